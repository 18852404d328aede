# Makes the system call getpid by its number of 32 bits, through the gate of such programs.
import ctypes


def attempt():
    if MACHINE != "x86_64":
        raise Absent(f"no such gate on {MACHINE}")
    # mov eax, 20; int 0x80; ret
    page = mapped(4096, -1, 0, protection=7, flags=0x22)
    ctypes.memmove(page, bytes.fromhex("b814000000cd80c3"), 8)
    result = ctypes.CFUNCTYPE(ctypes.c_int)(page)()
    if result < 0:
        raise OSError(-result, os.strerror(-result), "int 0x80")
    return f"process {result}"


outcome = tried(lambda: in_child(attempt), lacking=("ENOSYS",))
