# Connects by TCP to the listener outside.
import socket


def attempt():
    with socket.create_connection(("127.0.0.1", given["port"]), 3) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
