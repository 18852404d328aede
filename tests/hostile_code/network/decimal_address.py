# Connects to the listener outside by its address as one decimal number.
import socket


def attempt():
    with socket.create_connection(("2130706433", given["port"]), 3) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
