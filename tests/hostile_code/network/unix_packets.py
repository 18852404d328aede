# Connects to a Unix socket outside that keeps packets apart.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stream:
        stream.settimeout(3)
        stream.connect(given["unix_packets"])
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
