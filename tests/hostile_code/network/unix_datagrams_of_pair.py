# Sends a datagram by a socket of a pair to a Unix socket outside that has a path.
import socket


def attempt():
    ours, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, others:
        # It is in the other's queue when the call returns.
        return f"{ours.sendmsg([b'hello'], [], 0, given['unix_datagrams'])} bytes were taken"


outcome = tried(attempt)
