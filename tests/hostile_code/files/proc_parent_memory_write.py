# Writes the same bytes into the supervisor's memory by /proc.
import os


def attempt():
    descriptor = os.open(f"/proc/{given['supervisor']}/mem", os.O_RDWR)
    content = os.pread(descriptor, given["supervisor_length"], given["supervisor_address"])
    return f"{os.pwrite(descriptor, content, given['supervisor_address'])} bytes written"


outcome = tried(attempt, needs=SYS_PTRACE)
