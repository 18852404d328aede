# Listens by TCP without having bound the socket.
import socket


def attempt():
    with socket.socket() as listener:
        listener.listen(1)
        return f"port {listener.getsockname()[1]}"


outcome = tried(attempt)
