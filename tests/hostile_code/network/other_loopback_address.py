# Connects to the listener outside from another address of the loopback network.
import socket


def attempt():
    with socket.create_connection(("127.0.0.1", given["port"]), 3, ("127.8.9.10", 0)) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
