# Sends a datagram to the address 0.0.0.0.
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.sendto(b"hello", ("0.0.0.0", given["udp_port"]))
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
