# Asks for all capabilities, and looks whether it has one.


def attempt():
    header = struct.pack("=Ii", 0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    call("capget", header, data)
    for first in (0, 3):
        data[first] |= data[first + 1]
    call("capset", header, data)
    if not capable(SYS_ADMIN):
        raise OSError(errno.EPERM, "no capability came of it")
    return "it may administer the system"


outcome = tried(lambda: in_child(attempt), needs=SYS_ADMIN)
