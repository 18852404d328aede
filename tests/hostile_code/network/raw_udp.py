# Sends a datagram through a raw socket, with headers of its own.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 17) as raw:
        raw.settimeout(3)
        raw.sendto(struct.pack(">HHHH", 9, given["udp_port"], 8 + 5, 0) + b"hello", ("127.0.0.1", 0))
        return f"{len(raw.recv(256))} bytes came back"


outcome = tried(attempt, needs=NET_RAW)
