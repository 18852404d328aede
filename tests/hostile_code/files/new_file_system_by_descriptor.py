# Opens a file system in memory by fsopen.
outcome = tried(lambda: f"descriptor {call('fsopen', b'tmpfs', 0)}", lacking=("ENOSYS",), needs=SYS_ADMIN)
