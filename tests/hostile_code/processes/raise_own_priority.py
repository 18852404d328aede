# Raises its own priority, in a process of its own.
import os

outcome = tried(lambda: in_child(lambda: f"niceness {os.nice(-1)}"), needs=SYS_NICE)
