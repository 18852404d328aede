# Makes a map for programs of the kernel.
import ctypes


def attempt():
    attributes = ctypes.create_string_buffer(struct.pack("=IIII", 2, 4, 4, 1), 128)
    return f"descriptor {call('bpf', 0, attributes, 128)}"


outcome = tried(attempt, lacking=("ENOSYS",), needs=SYS_ADMIN)
