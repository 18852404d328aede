# Asks the kernel for the machine's networks by netlink.
import socket


def attempt():
    with socket.socket(16, socket.SOCK_RAW, 0) as netlink:
        netlink.settimeout(3)
        netlink.sendto(struct.pack("=IHHIIB3x", 20, 18, 0x301, 1, 0, 0), (0, 0))
        return f"{len(netlink.recv(1 << 16))} bytes of networks"


outcome = tried(attempt)
