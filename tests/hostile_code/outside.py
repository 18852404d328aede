# The world outside of a session: what listens on loopback and on Unix sockets, and hands out descriptors, until its
# input ends.
#
# `python3 outside.py FOLDER GREETING SECRET` prints one line of JSON, the keys of `given` that it makes. Whoever
# reaches it gets the greeting, and by the socket `descriptors` a descriptor of the secret.
import json
import os
import socket
import sys
import threading

folder, greeting, secret = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
made = {}


def note():
    """Leaves a trace of having been reached, whatever becomes of the answer."""
    with open(os.path.join(folder, "reached"), "ab") as trace:
        trace.write(b"x")


def accepts(listener, message=greeting):
    def serve():
        while True:
            stream, _ = listener.accept()
            if message == greeting:
                note()
            try:
                stream.settimeout(5)
                stream.sendall(message)
                stream.shutdown(socket.SHUT_WR)
                # What was sent is taken first: a reset would take the greeting back.
                while stream.recv(1 << 16):
                    pass
            except OSError:
                pass
            stream.close()

    listener.listen(64)
    threading.Thread(target=serve, daemon=True).start()
    return listener


def answers(datagrams, answer=greeting):
    def serve():
        while True:
            message, sender = datagrams.recvfrom(1 << 16)
            if answer == greeting:
                note()
            try:
                # The first two bytes of an answer of DNS are those of the question.
                if sender:
                    datagrams.sendto(message[:2] + answer, sender)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return datagrams


def bound(family, kind, address):
    one = socket.socket(family, kind)
    one.bind(address)
    return one


def hands_out(listener):
    def serve():
        while True:
            stream, _ = listener.accept()
            note()
            descriptor = os.open(secret, os.O_RDONLY)
            try:
                socket.send_fds(stream, [b"x"], [descriptor])
            except OSError:
                pass
            os.close(descriptor)
            stream.close()

    listener.listen(8)
    threading.Thread(target=serve, daemon=True).start()


loopback = ("127.0.0.1", 0)
made["port"] = accepts(bound(socket.AF_INET, socket.SOCK_STREAM, loopback)).getsockname()[1]
made["allowed_port"] = accepts(bound(socket.AF_INET, socket.SOCK_STREAM, loopback), b"the other").getsockname()[1]
made["udp_port"] = answers(bound(socket.AF_INET, socket.SOCK_DGRAM, loopback)).getsockname()[1]
allowed = answers(bound(socket.AF_INET, socket.SOCK_DGRAM, loopback), b"the other")
made["allowed_udp_port"] = allowed.getsockname()[1]
try:
    made["port6"] = accepts(bound(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))).getsockname()[1]
except OSError:
    made["port6"] = 0
for key, kind, serve in (
    ("unix_path", socket.SOCK_STREAM, accepts),
    ("unix_datagrams", socket.SOCK_DGRAM, answers),
    ("unix_packets", socket.SOCK_SEQPACKET, accepts),
    ("descriptors", socket.SOCK_STREAM, hands_out),
):
    made[key] = os.path.join(folder, key)
    serve(bound(socket.AF_UNIX, kind, made[key]))
made["abstract"] = f"circlet-test-{os.getpid()}"
accepts(bound(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + made["abstract"]))
made["abstract_datagrams"] = made["abstract"] + "-datagrams"
answers(bound(socket.AF_UNIX, socket.SOCK_DGRAM, "\0" + made["abstract_datagrams"]))
print(json.dumps(made), flush=True)
sys.stdin.read()
