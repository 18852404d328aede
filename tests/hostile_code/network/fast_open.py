# Connects by TCP within sendto, by MSG_FASTOPEN.
import socket


def attempt():
    with socket.socket() as stream:
        # A socket of Python's that has a timeout does not wait in the kernel.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 3, 0))
        stream.sendto(b"hello", 0x20000000, ("127.0.0.1", given["port"]))
        return greeting_in(stream.recv(256))


outcome = tried(attempt, lacking=("EOPNOTSUPP",))
