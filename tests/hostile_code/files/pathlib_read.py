# Reads the secret by pathlib.
import pathlib

outcome = tried(lambda: secret_in(pathlib.Path(given["secret"]).read_bytes()))
