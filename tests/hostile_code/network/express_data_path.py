# Makes a socket of AF_XDP.
import socket


def attempt():
    with socket.socket(44, socket.SOCK_RAW) as one:
        return f"descriptor {one.fileno()}"


outcome = tried(attempt, needs=NET_RAW, lacking=("EAFNOSUPPORT",))
