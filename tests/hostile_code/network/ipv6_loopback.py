# Connects to the listener outside by IPv6.
import socket


def attempt():
    if not given["port6"]:
        raise Absent("nothing listens by IPv6")
    with socket.socket(socket.AF_INET6) as stream:
        stream.settimeout(3)
        stream.connect(("::1", given["port6"]))
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
