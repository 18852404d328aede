# Connects by TCP within sendto, by MSG_FASTOPEN.
import socket


def attempt():
    with socket.socket() as stream:
        stream.settimeout(3)
        stream.sendto(b"hello", 0x20000000, ("127.0.0.1", given["port"]))
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("EOPNOTSUPP",))
