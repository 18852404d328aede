# Sends two datagrams by one call, the first to an allowed port.
import socket


def attempt():
    text = ctypes.create_string_buffer(b"hello", 5)
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(text), 5))
    targets = [address_of(given[key]) for key in ("allowed_udp_port", "udp_port")]
    headers = [
        struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(target), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
        for target in targets
    ]
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(1)
        call("sendmmsg", datagrams.fileno(), ctypes.create_string_buffer(b"".join(headers)), 2, 0)
        answers = datagrams.recv(256)
        if given["greeting"].encode() not in answers:
            answers += datagrams.recv(256)
        return greeting_in(answers)


outcome = tried(attempt)
