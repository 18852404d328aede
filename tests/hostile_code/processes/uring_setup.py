# Makes an io_uring.
import ctypes

outcome = tried(
    lambda: f"descriptor {call('io_uring_setup', 4, ctypes.create_string_buffer(120))}", lacking=("ENOSYS", "EPERM")
)
