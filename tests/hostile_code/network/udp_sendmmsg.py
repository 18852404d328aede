# Sends a datagram by sendmmsg, and waits for the answer.
import ctypes
import socket


def attempt():
    target, text = address_of(given["udp_port"]), ctypes.create_string_buffer(b"hello")
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(text), 5))
    header = struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(target), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        call("sendmmsg", datagrams.fileno(), ctypes.create_string_buffer(header), 1, 0)
        return greeting_in(datagrams.recv(256))


outcome = tried(attempt)
