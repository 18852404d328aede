# Connects to the listener outside by its address of IPv4 in IPv6.
import socket


def attempt():
    with socket.socket(socket.AF_INET6) as stream:
        stream.settimeout(3)
        stream.connect(("::ffff:127.0.0.1", given["port"]))
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "ENETUNREACH"))
