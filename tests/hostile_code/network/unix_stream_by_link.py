# Connects to a Unix socket outside through a symbolic link in the allowed folder.
import os
import socket


def attempt():
    os.symlink(given["unix_path"], in_work("socket"))
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(3)
        stream.connect(in_work("socket"))
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
