# Reaches the secret from the allowed folder by `..`.
import os

steps = os.path.relpath(given["secret"], given["work"])
outcome = tried(lambda: secret_in(read(os.path.join(given["work"], steps))))
