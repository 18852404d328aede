# Swaps a file of the allowed folder for a link to the secret while another thread opens it.
import os
import threading
import time


def attempt():
    write(in_work("innocent"), b"innocent")
    os.symlink(given["secret"], in_work("bait"))
    is_over = threading.Event()

    def swap():
        while not is_over.is_set():
            for target in ("innocent", given["secret"]):
                os.symlink(target, in_work("next"))
                os.rename(in_work("next"), in_work("bait"))

    swapper = threading.Thread(target=swap)
    swapper.start()
    last, until = None, time.monotonic() + 2
    try:
        while time.monotonic() < until:
            try:
                return secret_in(read(in_work("bait")))
            except (OSError, Nothing) as error:
                # What it says of the innocent file is no answer.
                last = error if isinstance(error, OSError) else last
        raise last or Nothing("only the innocent file was read")
    finally:
        is_over.set()
        swapper.join()


outcome = tried(attempt)
