# Writes the same bytes into the supervisor's memory by process_vm_writev.
import ctypes


def attempt():
    content = ctypes.create_string_buffer(given["content"].encode(), given["supervisor_length"])
    here = (ctypes.c_uint64 * 2)(ctypes.addressof(content), len(content))
    there = (ctypes.c_uint64 * 2)(given["supervisor_address"], len(content))
    return f"{call('process_vm_writev', given['supervisor'], here, 1, there, 1, 0)} bytes written"


outcome = tried(attempt, needs=SYS_PTRACE)
