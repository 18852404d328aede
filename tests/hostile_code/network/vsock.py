# Makes a socket to the host of this virtual machine.
import socket


def attempt():
    with socket.socket(40, socket.SOCK_STREAM) as stream:
        return f"descriptor {stream.fileno()}"


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "ENODEV"))
