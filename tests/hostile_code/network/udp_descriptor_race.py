# Sends to a denied address by a number that is a stream's one moment and a datagram socket's the next.
import socket
import threading


def attempt():
    target, text = address_of(given["udp_port"]), ctypes.create_string_buffer(b"hello", 5)
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(text), 5))
    header = struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(target), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    header = ctypes.create_string_buffer(header, 64)
    is_over = threading.Event()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        ours, theirs = socket.socketpair()
        number = os.dup(ours.fileno())

        def swap():
            while not is_over.is_set():
                os.dup2(datagrams.fileno(), number)
                os.dup2(ours.fileno(), number)

        swapper = threading.Thread(target=swap)
        swapper.start()
        until, denied = time.monotonic() + 3, None
        try:
            while time.monotonic() < until:
                try:
                    checked(LIBC.sendmsg(number, header, socket.MSG_DONTWAIT), "sendmsg")
                except OSError as error:
                    denied = error
                if select.select([datagrams], [], [], 0)[0]:
                    return greeting_in(datagrams.recv(256))
            raise denied or Nothing("nobody answered")
        finally:
            is_over.set()
            swapper.join()
            os.close(number)


outcome = tried(attempt)
