# Traces the supervisor, from a process of its own whose end lets it go.


def attempt():
    call("ptrace", 0x4206, given["supervisor"], None, None)
    return "the supervisor is traced"


# Some systems let no process trace the one that started it.
is_limited = os.path.exists("/proc/sys/kernel/yama/ptrace_scope")
outcome = tried(lambda: in_child(attempt), needs=SYS_PTRACE, lacking=("EPERM",) if is_limited else ())
