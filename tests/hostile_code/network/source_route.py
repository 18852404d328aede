# Has a connection go by way of an address that it does not name.
import socket

LOOSE_SOURCE_ROUTE = bytes([131, 7, 4, 127, 0, 0, 2, 0])
IP_OPTIONS = 4


def attempt():
    def route(kind):
        with socket.socket(type=kind) as one:
            one.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, LOOSE_SOURCE_ROUTE)
            return f"the kernel took {one.getsockopt(socket.IPPROTO_IP, IP_OPTIONS, 40)!r}"

    return first_of(lambda kind=kind: route(kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


outcome = tried(attempt)
