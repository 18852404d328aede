# Opens the kernel's memory in /proc, and reads nothing.
import os

outcome = tried(lambda: f"descriptor {os.open('/proc/kcore', os.O_RDONLY)}", lacking=("ENOENT",), needs=SYS_RAWIO)
