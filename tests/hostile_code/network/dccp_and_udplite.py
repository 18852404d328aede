# Makes sockets of UDP-Lite and of DCCP.
import socket


def made(kind, protocol):
    with socket.socket(socket.AF_INET, kind, protocol) as one:
        return f"descriptor {one.fileno()} of protocol {protocol}"


outcome = tried(
    lambda: first_of([lambda: made(socket.SOCK_DGRAM, 136), lambda: made(6, 33)]),
    lacking=("EPROTONOSUPPORT", "ESOCKTNOSUPPORT"),
)
