# Opens the secret by the C library's open().
import os


def attempt():
    descriptor = checked(LIBC.open(given["secret"].encode(), os.O_RDONLY), "open")
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt)
