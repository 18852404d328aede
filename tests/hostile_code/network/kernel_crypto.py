# Makes a socket of the kernel's cryptography.
import socket


def attempt():
    with socket.socket(38, socket.SOCK_SEQPACKET) as one:
        return f"descriptor {one.fileno()}"


outcome = tried(attempt, lacking=("EAFNOSUPPORT",))
