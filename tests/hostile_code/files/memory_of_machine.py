# Opens the memory of the machine.
import os

outcome = tried(
    lambda: first_of(lambda path=path: os.open(path, os.O_RDONLY) for path in ("/dev/mem", "/dev/kmem", "/dev/port")),
    lacking=("ENOENT", "ENXIO"),
    needs=SYS_RAWIO,
)
