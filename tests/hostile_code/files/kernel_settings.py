# Opens settings of the kernel to write, and writes nothing.
import os

paths = ("/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward")
outcome = tried(
    lambda: first_of(lambda path=path: f"descriptor {os.open(path, os.O_WRONLY)}" for path in paths),
    lacking=("ENOENT", "EROFS", "EACCES"),
)
