# Sends to a denied address by a number that is a stream's one moment and a datagram socket's the next.
import socket
import threading


def attempt():
    is_over = threading.Event()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        ours, theirs = socket.socketpair()
        number = os.dup(ours.fileno())

        def swap():
            while not is_over.is_set():
                os.dup2(datagrams.fileno(), number)
                os.dup2(ours.fileno(), number)

        sender = socket.socket(fileno=number)
        swapper = threading.Thread(target=swap)
        swapper.start()
        until, denied = time.monotonic() + 3, None
        try:
            while time.monotonic() < until:
                try:
                    sender.sendmsg([b"hello"], [], socket.MSG_DONTWAIT, ("127.0.0.1", given["udp_port"]))
                except OSError as error:
                    denied = error
                if select.select([datagrams], [], [], 0)[0]:
                    return greeting_in(datagrams.recv(256))
                while select.select([theirs], [], [], 0)[0]:
                    theirs.recv(1 << 16)
            raise denied or Nothing("nobody answered")
        finally:
            is_over.set()
            swapper.join()
            sender.close()


outcome = tried(attempt)
