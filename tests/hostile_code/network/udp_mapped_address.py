# Sends a datagram to an IPv4 address within IPv6.
import socket


def attempt():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.sendto(b"hello", ("::ffff:127.0.0.1", given["udp_port"]))
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt, lacking=("EAFNOSUPPORT", "EADDRNOTAVAIL", "ENETUNREACH"))
