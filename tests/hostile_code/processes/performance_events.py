# Counts events of the processor.
import ctypes


def attempt():
    attributes = ctypes.create_string_buffer(struct.pack("=IIQ", 1, 128, 0), 128)
    return f"descriptor {call('perf_event_open', attributes, 0, -1, -1, 0)}"


outcome = tried(attempt, lacking=("ENOSYS", "ENOENT"), needs=PERFMON)
