# Opens the secret by os.open.
import os

outcome = tried(lambda: secret_in(read(given["secret"])))
