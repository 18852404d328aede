# Listens to all packets of the machine.
import socket


def attempt():
    with socket.socket(17, socket.SOCK_RAW, socket.htons(3)) as packets:
        packets.bind(("lo", 3))
        return f"descriptor {packets.fileno()}"


outcome = tried(attempt, needs=NET_RAW, lacking=("EAFNOSUPPORT",))
