# Sends a datagram from a process that was forked.
import socket


def attempt():
    def send():
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(3)
            datagrams.sendto(b"hello", ("127.0.0.1", given["udp_port"]))
            return greeting_in(datagrams.recv(256))

    return in_child(send)


outcome = tried(attempt)
