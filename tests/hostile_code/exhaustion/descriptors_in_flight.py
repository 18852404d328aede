# Sends descriptors through a pair of sockets and takes none, up to `descriptors_max`. ends: limited
import os
import socket


def attempt():
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    null, sent = os.open("/dev/null", os.O_RDONLY), 0
    pairs = [(here, there)]
    try:
        while sent < given["descriptors_max"]:
            pairs[-1][0].setblocking(False)
            try:
                socket.send_fds(pairs[-1][0], [b"x"], [null] * 100)
                sent += 100
            except BlockingIOError:
                pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
    finally:
        for pair in pairs:
            for one in pair:
                one.close()
        os.close(null)
    return f"{sent} descriptors"


outcome = tried(attempt)
