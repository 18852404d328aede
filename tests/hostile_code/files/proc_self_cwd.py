# Reads the secret by /proc/self/cwd.
import os

steps = os.path.relpath(given["secret"], os.getcwd())
outcome = tried(lambda: secret_in(read("/proc/self/cwd/" + steps)))
