# Gives packets of IPv6 a routing header, by which they go to another address first.
import socket


def attempt():
    # Segment routing: type 4, one segment left of two.
    header = struct.pack("=BBBBBBH", 0, 4, 4, 1, 1, 0, 0) + socket.inet_pton(socket.AF_INET6, "::1") * 2
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header)
        length = len(datagrams.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, 64))
        return f"the kernel took a header of {length} bytes"


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "EINVAL"))
