# Asks for the handle of the secret.
import ctypes


def attempt():
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 120, 0), 128)
    mount = ctypes.c_int()
    call("name_to_handle_at", HERE, given["secret"].encode(), handle, ctypes.byref(mount), 0)
    return handle.raw[8:24].hex()


outcome = tried(attempt, lacking=("EOPNOTSUPP", "ENOSYS"))
