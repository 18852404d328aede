# Connects by TCP with TCP_FASTOPEN_CONNECT, by which the first write connects.
import socket


def attempt():
    with socket.socket() as stream:
        stream.settimeout(3)
        stream.setsockopt(socket.IPPROTO_TCP, 30, 1)
        stream.connect(("127.0.0.1", given["port"]))
        stream.sendall(b"hello")
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("ENOPROTOOPT",))
