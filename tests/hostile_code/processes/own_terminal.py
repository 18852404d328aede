# Opens the terminal that it was started from.
import os

outcome = tried(lambda: f"descriptor {os.open('/dev/tty', os.O_RDWR)}", lacking=("ENXIO", "ENOENT"))
