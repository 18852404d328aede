# Connects while another thread changes the port in the address from an allowed one to a denied one.
import os
import threading
import time


def attempt():
    target = address_of(given["allowed_port"])
    ports = [struct.pack(">H", given[key]) for key in ("allowed_port", "port")]
    is_over = threading.Event()

    def change():
        while not is_over.is_set():
            for port in ports:
                target[2:4] = port

    changer = threading.Thread(target=change)
    changer.start()
    last, until = None, time.monotonic() + 3
    try:
        while time.monotonic() < until:
            try:
                descriptor = checked(LIBC.socket(2, 1, 0), "socket")
                try:
                    checked(LIBC.connect(descriptor, target, 16), "connect")
                    return greeting_in(os.read(descriptor, 256))
                finally:
                    os.close(descriptor)
            except (OSError, Nothing) as error:
                last = error if isinstance(error, OSError) else last
        raise last or Nothing("only the allowed port was reached")
    finally:
        is_over.set()
        changer.join()


outcome = tried(attempt)
