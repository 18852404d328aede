# Opens the console of the machine.
import os

outcome = tried(
    lambda: f"descriptor {os.open('/dev/console', os.O_RDWR | os.O_NOCTTY)}",
    lacking=("ENXIO", "ENOENT", "EIO"),
    needs=SYS_ADMIN,
)
