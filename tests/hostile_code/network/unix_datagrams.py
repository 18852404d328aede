# Sends a datagram to a Unix socket outside that has a path.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        # It is in the other's queue when the call returns; the way back may be another.
        return f"{datagrams.sendto(b'hello', given['unix_datagrams'])} bytes were taken"


outcome = tried(attempt)
