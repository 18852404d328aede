# Sends a datagram through a connected socket that it was started with, and waits for the answer.
import socket


def attempt():
    def send(number):
        datagrams = socket.socket(fileno=os.dup(number))
        if datagrams.getpeername()[1] != given["udp_port"]:
            raise Nothing("it is another socket")
        datagrams.settimeout(3)
        datagrams.send(b"hello")
        return greeting_in(datagrams.recv(256))

    return first_of(lambda number=number: send(number) for number in range(3, 1024))


outcome = tried(attempt)
