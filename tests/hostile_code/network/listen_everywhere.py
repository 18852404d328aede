# Listens by TCP on every address.
import socket


def attempt():
    with socket.create_server(("", 0)) as listener:
        return f"port {listener.getsockname()[1]}"


outcome = tried(attempt)
