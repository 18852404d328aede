# Opens the control of loop devices, and asks for nothing.
import os

outcome = tried(lambda: f"descriptor {os.open('/dev/loop-control', os.O_RDWR)}", lacking=("ENOENT",), needs=SYS_ADMIN)
