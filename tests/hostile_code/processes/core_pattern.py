# Opens the kernel's setting for dumps to write, and writes nothing.
outcome = tried(
    lambda: f"descriptor {os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)}", lacking=("EACCES", "EROFS", "ENOENT")
)
