# Sends a datagram to a Unix socket outside that has a path, and waits for the answer.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.bind("")
        datagrams.sendto(b"hello", given["unix_datagrams"])
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
