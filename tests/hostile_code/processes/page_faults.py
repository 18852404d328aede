# Makes a descriptor for page faults, those of the kernel too.
outcome = tried(lambda: f"descriptor {call('userfaultfd', 0)}", lacking=("ENOSYS",), needs=SYS_PTRACE)
