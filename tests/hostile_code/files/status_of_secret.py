# Asks for the size and times of the secret by statx.
import ctypes


def attempt():
    status = ctypes.create_string_buffer(256)
    call("statx", HERE, given["secret"].encode(), 0, 0xFFF, status)
    return f"{struct.unpack_from('=Q', status, 40)[0]} bytes"


outcome = tried(attempt)
