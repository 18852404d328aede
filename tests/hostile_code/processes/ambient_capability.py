# Gives itself an ambient capability, in a process of its own.
import ctypes


def attempt():
    header = struct.pack("=Ii", 0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    call("capget", header, data)
    data[2] |= data[1]
    call("capset", header, data)
    checked(LIBC.prctl(47, ctypes.c_ulong(2), ctypes.c_ulong(SETUID), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")
    return "it has an ambient capability"


outcome = tried(lambda: in_child(attempt), needs=SETUID)
