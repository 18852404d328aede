# Opens the secret by the bare system call openat.
import os


def attempt():
    descriptor = call("openat", HERE, given["secret"].encode(), os.O_RDONLY, 0)
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt)
