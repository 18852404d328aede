# Reads where the supervisor has its memory.
outcome = tried(
    lambda: first_of(lambda pid=pid: f"{len(read(f'/proc/{pid}/maps'))} bytes" for pid in supervisors()),
    needs=SYS_PTRACE,
)
