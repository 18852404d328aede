# Sends a datagram to an address of IPv4 by a socket of IPv6, which takes both.
import socket


def attempt():
    target = address_of(given["udp_port"])
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        checked(LIBC.sendto(datagrams.fileno(), b"hello", 5, 0, target, 16), "sendto")
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "EADDRNOTAVAIL", "ENETUNREACH"))
