# Sends a datagram to an abstract Unix socket outside, and waits for the answer.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.bind("")
        datagrams.sendmsg([b"hello"], [], 0, "\0" + given["abstract_datagrams"])
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
