# Sends an echo request through a datagram socket of ICMP.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1) as ping:
        ping.settimeout(3)
        ping.sendto(struct.pack(">BBHHH", 8, 0, 0, 0, 1), ("127.0.0.1", 0))
        return f"{len(ping.recv(256))} bytes came back"


# The setting of the machine that says which groups may: nobody, often.
outcome = tried(attempt, lacking=("EACCES", "EPROTONOSUPPORT"))
