# Sends an echo request through a raw socket, and waits for what comes back.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 1) as raw:
        raw.settimeout(3)
        raw.sendto(struct.pack(">BBHHH", 8, 0, 0xF7FD, 1, 1), ("127.0.0.1", 0))
        return f"{len(raw.recv(256))} bytes came back"


outcome = tried(attempt, needs=NET_RAW)
