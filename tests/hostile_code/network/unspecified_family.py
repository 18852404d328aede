# Sends a datagram to an address whose family is AF_UNSPEC, which the kernel takes for IPv4.
import ctypes
import socket


def attempt():
    target = ctypes.create_string_buffer(bytes(2) + address_of(given["udp_port"]).raw[2:], 16)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        checked(LIBC.sendto(datagrams.fileno(), b"hello", 5, 0, target, 16), "sendto")
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
