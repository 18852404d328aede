# Listens by TCP, and connects to itself.
import socket


def attempt():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 3):
            return f"accepted {listener.accept()[1]}"


outcome = tried(attempt)
