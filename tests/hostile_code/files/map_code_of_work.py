# Maps machine code from a file of the allowed folder and runs it.
import ctypes
import os


def attempt():
    code = {"x86_64": "b82a000000c3", "aarch64": "40058052c0035fd6"}.get(MACHINE)
    if code is None:
        raise Absent(f"no code for {MACHINE}")
    descriptor = os.open(write(in_work("code"), bytes.fromhex(code)), os.O_RDONLY)
    address = mapped(4096, descriptor, 0, protection=5, flags=2)
    return f"it returned {ctypes.CFUNCTYPE(ctypes.c_int)(address)()}"


outcome = tried(attempt)
