# Opens the trigger of system requests to write, and writes nothing.
import os

outcome = tried(
    lambda: f"descriptor {os.open('/proc/sysrq-trigger', os.O_WRONLY)}", lacking=("ENOENT", "EROFS", "EACCES")
)
