# Sends a datagram to everybody on a network.
import socket


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sent = datagrams.sendto(b"hello", ("127.255.255.255", given["udp_port"]))
        return f"{sent} bytes were sent"


outcome = tried(attempt, lacking=("ENETUNREACH",))
