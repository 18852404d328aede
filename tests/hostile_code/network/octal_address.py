# Connects to the listener outside by its address in octal and hexadecimal digits.
import socket


def reach(host):
    with socket.create_connection((host, given["port"]), 3) as stream:
        return greeting_in(stream.recv(256))


outcome = tried(lambda: first_of(lambda host=host: reach(host) for host in ("0177.0.0.1", "0x7f.0.0.1", "127.1")))
