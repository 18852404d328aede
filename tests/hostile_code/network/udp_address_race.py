# Sends datagrams while another thread changes the port in the address from an allowed one to a denied one.
import socket
import threading


def attempt():
    target, text = address_of(given["allowed_udp_port"]), ctypes.create_string_buffer(b"hello", 5)
    vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(text), 5))
    header = struct.pack("=QI4xQQQQI4xI4x", ctypes.addressof(target), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0)
    header = ctypes.create_string_buffer(header, 64)
    ports = [struct.pack(">H", given[key]) for key in ("allowed_udp_port", "udp_port")]
    is_over = threading.Event()

    def change():
        while not is_over.is_set():
            for port in ports:
                target[2:4] = port

    changer = threading.Thread(target=change)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        changer.start()
        until, denied = time.monotonic() + 3, None
        try:
            while time.monotonic() < until:
                number = datagrams.fileno()
                for send in (
                    lambda: LIBC.sendto(number, text, 5, 0, target, 16),
                    lambda: LIBC.sendmsg(number, header, 0),
                    lambda: LIBC.sendmmsg(number, header, 1, 0),
                ):
                    try:
                        checked(send() or 0, "send")
                    except OSError as error:
                        denied = error
                while select.select([datagrams], [], [], 0)[0]:
                    answer = datagrams.recv(256)
                    if given["greeting"].encode() in answer:
                        return greeting_in(answer)
            raise denied or Nothing("only the allowed port was reached")
        finally:
            is_over.set()
            changer.join()


outcome = tried(attempt)
