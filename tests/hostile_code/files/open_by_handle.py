# Opens the secret by its handle, without a path.
import ctypes
import os


def attempt():
    handle = ctypes.create_string_buffer(struct.pack("=Ii", 120, 0), 128)
    mount = ctypes.c_int()
    call("name_to_handle_at", HERE, given["secret"].encode(), handle, ctypes.byref(mount), 0)
    folder = os.open(given["work"], os.O_RDONLY)
    descriptor = call("open_by_handle_at", folder, handle, os.O_RDONLY)
    return secret_in(os.read(descriptor, 4096))


outcome = tried(attempt, lacking=("EOPNOTSUPP", "ENOSYS"), needs=DAC_READ_SEARCH)
