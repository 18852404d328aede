# Joins a group, whose datagrams come without having been asked for.
import socket


def attempt():
    group = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        datagrams.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group)
        return "it was a member"


outcome = tried(attempt, lacking=("ENODEV",))
