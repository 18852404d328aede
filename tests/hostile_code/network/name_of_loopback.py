# Connects to the listener outside by the name localhost.
import socket


def attempt():
    with socket.create_connection(("localhost", given["port"]), 3) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
