# Asks a process outside for a descriptor of the secret by a Unix socket.
import os
import socket


def attempt():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(3)
        stream.connect(given["descriptors"])
        _, descriptors, _, _ = socket.recv_fds(stream, 16, 1)
    return secret_in(os.pread(descriptors[0], 4096, 0))


outcome = tried(attempt)
