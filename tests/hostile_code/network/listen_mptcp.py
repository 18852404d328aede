# Listens by MPTCP.
import socket


def attempt():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        return f"port {listener.getsockname()[1]}"


outcome = tried(attempt, lacking=("EPROTONOSUPPORT", "ENOPROTOOPT"))
