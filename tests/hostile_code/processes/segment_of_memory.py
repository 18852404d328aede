# Reads the table of its own segments by modify_ldt.
import ctypes

outcome = tried(
    lambda: f"modify_ldt gave {call('modify_ldt', 0, ctypes.create_string_buffer(4096), 4096)}", lacking=("ENOSYS",)
)
