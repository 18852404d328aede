# Makes a socket of SCTP.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132) as stream:
        return f"descriptor {stream.fileno()}"


outcome = tried(attempt, lacking=("EPROTONOSUPPORT", "ESOCKTNOSUPPORT"))
