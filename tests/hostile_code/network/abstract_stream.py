# Connects to an abstract Unix socket outside.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(3)
        stream.connect("\0" + given["abstract"])
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
