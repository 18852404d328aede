# Sends the secret through a pair of sockets by sendfile.
import os
import socket


def attempt():
    here, there = socket.socketpair()
    os.sendfile(here.fileno(), os.open(given["secret"], os.O_RDONLY), 0, 4096)
    return secret_in(there.recv(4096))


outcome = tried(attempt)
