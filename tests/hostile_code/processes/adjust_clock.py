# Sets the speed of the clock to what it is.
import ctypes


def attempt():
    values = ctypes.create_string_buffer(256)
    call("adjtimex", values)
    ctypes.memmove(values, struct.pack("=I", 2), 4)
    return f"clock state {call('adjtimex', values)}"


outcome = tried(attempt, needs=SYS_TIME)
