# Sends a datagram by sendto, and waits for the answer.
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.sendto(b"hello", ("127.0.0.1", given["udp_port"]))
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
