# Sets an option of UDP that is refused by the level of UDP-Lite, which the kernel takes for the same.
import socket

SOL_UDPLITE = 136
UDP_NO_CHECK6_TX = 101


def attempt():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.setsockopt(SOL_UDPLITE, UDP_NO_CHECK6_TX, 1)
        return f"the kernel took {one.getsockopt(SOL_UDPLITE, UDP_NO_CHECK6_TX)!r}"


outcome = tried(attempt)
