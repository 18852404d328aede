# Connects to the listener outside by the address 0.0.0.0.
import socket


def attempt():
    with socket.create_connection(("0.0.0.0", given["port"]), 3) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
