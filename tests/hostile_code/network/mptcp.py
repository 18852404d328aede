# Connects by MPTCP to the listener outside.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as stream:
        stream.settimeout(3)
        stream.connect(("127.0.0.1", given["port"]))
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("EPROTONOSUPPORT", "ENOPROTOOPT"))
