# Has what a socket sends leave by an interface of the code's choice, where an address may be somebody else's.
import socket

SO_BINDTOIFINDEX = 62


def attempt():
    def bound(name, value, kind):
        with socket.socket(type=kind) as one:
            one.setsockopt(socket.SOL_SOCKET, name, value)
            return f"the kernel took {one.getsockopt(socket.SOL_SOCKET, name, 16)!r}"

    options = [(socket.SO_BINDTODEVICE, b"lo\0"), (SO_BINDTOIFINDEX, 1), (socket.SO_DONTROUTE, 1)]
    kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM]
    return first_of(lambda each=each, kind=kind: bound(*each, kind) for each in options for kind in kinds)


outcome = tried(attempt)
