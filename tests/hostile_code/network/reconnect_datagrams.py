# Connects a datagram socket to nobody, to the discard port, and then to the listener outside.
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        checked(LIBC.connect(datagrams.fileno(), bytes(16), 16), "connect")
        datagrams.connect(("127.0.0.1", 9))
        datagrams.connect(("127.0.0.1", given["udp_port"]))
        datagrams.send(b"hello")
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
