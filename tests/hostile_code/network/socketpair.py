# Makes a pair of sockets, and sends through it.
import socket


def attempt():
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b"to itself")
        return there.recv(16)


outcome = tried(attempt)
