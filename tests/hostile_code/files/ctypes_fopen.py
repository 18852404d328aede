# Reads the secret by the C library's fopen().
import ctypes


def attempt():
    LIBC.fopen.restype = ctypes.c_void_p
    stream = LIBC.fopen(given["secret"].encode(), b"r")
    if not stream:
        checked(-1, "fopen")
    content = ctypes.create_string_buffer(4096)
    LIBC.fread(content, 1, 4095, ctypes.c_void_p(stream))
    LIBC.fclose(ctypes.c_void_p(stream))
    return secret_in(content.value)


outcome = tried(attempt)
