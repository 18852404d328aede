# Binds a datagram socket, and takes what it sends to itself.
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.bind(("127.0.0.1", 0))
        datagrams.sendto(b"hello", datagrams.getsockname())
        return datagrams.recv(16)


outcome = tried(attempt)
