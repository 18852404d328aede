# Makes a socket of Bluetooth.
import socket


def attempt():
    with socket.socket(31, socket.SOCK_RAW, 1) as one:
        return f"descriptor {one.fileno()}"


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "EPROTONOSUPPORT"))
