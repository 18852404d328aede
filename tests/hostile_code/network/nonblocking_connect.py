# Connects by TCP without waiting, and waits for the connection by poll.
import select
import socket


def attempt():
    with socket.socket() as stream:
        stream.setblocking(False)
        number = stream.connect_ex(("127.0.0.1", given["port"]))
        if errno.errorcode.get(number) not in (None, "EINPROGRESS"):
            raise OSError(number, os.strerror(number), "connect")
        if not select.select([stream], [], [], 3)[0]:
            raise Nothing("nothing came in time")
        return greeting_in(stream.recv(256))


outcome = tried(attempt)
