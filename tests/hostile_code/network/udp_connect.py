# Connects a datagram socket and sends by write.
import os
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.connect(("127.0.0.1", given["udp_port"]))
        os.write(datagrams.fileno(), b"hello")
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
