# Reads the supervisor's memory by /proc.
import os


def attempt():
    descriptor = os.open(f"/proc/{given['supervisor']}/mem", os.O_RDONLY)
    return secret_in(os.pread(descriptor, given["supervisor_length"], given["supervisor_address"]))


outcome = tried(attempt, needs=SYS_PTRACE)
