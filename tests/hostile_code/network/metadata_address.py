# Connects to the address at which clouds tell a machine about itself.
import socket


def attempt():
    with socket.create_connection(("169.254.169.254", 80), 2):
        return "connected"


outcome = tried(
    attempt, lacking=("ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "TimeoutError")
)
