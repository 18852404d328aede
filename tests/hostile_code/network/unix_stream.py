# Connects to a Unix socket outside that has a path.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(3)
        stream.connect(given["unix_path"])
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
