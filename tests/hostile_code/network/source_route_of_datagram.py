# Gives one datagram a way by an address that it does not name.
import socket

LOOSE_SOURCE_ROUTE = bytes([131, 7, 4, 127, 0, 0, 2, 0])
IP_RETOPTS = 7


def attempt():
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        control = [(socket.IPPROTO_IP, IP_RETOPTS, LOOSE_SOURCE_ROUTE)]
        sent = datagrams.sendmsg([b"hello"], control, 0, ("127.0.0.1", given["allowed_udp_port"]))
        return f"{sent} bytes were sent"


outcome = tried(attempt)
