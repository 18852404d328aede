# Lists the folder of the secret.
import os

outcome = tried(lambda: os.listdir(given["secret_dir"]))
