# Makes a socket of netlink for the kernel's events of devices, and listens to them.
import socket


def attempt():
    with socket.socket(16, socket.SOCK_RAW, 15) as netlink:
        netlink.bind((0, 1))
        return f"descriptor {netlink.fileno()}"


outcome = tried(attempt, needs=NET_ADMIN, lacking=("EPROTONOSUPPORT",))
