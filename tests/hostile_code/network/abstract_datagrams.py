# Sends a datagram to an abstract Unix socket outside.
import socket


def attempt():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        # It is in the other's queue when the call returns; the way back may be another.
        return f"{datagrams.sendmsg([b'hello'], [], 0, chr(0) + given['abstract_datagrams'])} bytes were taken"


outcome = tried(attempt)
