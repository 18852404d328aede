# Reads the supervisor's memory by process_vm_readv.
import ctypes


def attempt():
    content = ctypes.create_string_buffer(given["supervisor_length"])
    here = (ctypes.c_uint64 * 2)(ctypes.addressof(content), len(content))
    there = (ctypes.c_uint64 * 2)(given["supervisor_address"], len(content))
    call("process_vm_readv", given["supervisor"], here, 1, there, 1, 0)
    return secret_in(content.raw)


outcome = tried(attempt, needs=SYS_PTRACE)
