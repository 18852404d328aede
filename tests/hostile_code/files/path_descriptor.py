# Opens the folder of the secret as a mere path, and the secret relative to that.
import os


def attempt():
    folder = os.open(given["secret_dir"], os.O_PATH)
    return secret_in(os.read(os.open(os.path.basename(given["secret"]), os.O_RDONLY, dir_fd=folder), 4096))


outcome = tried(attempt)
