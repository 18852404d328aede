# Reads the supervisor's environment by /proc.


def attempt():
    content = first_of(lambda pid=pid: read(f"/proc/{pid}/environ") for pid in supervisors())
    return f"{content.count(b'=')} variables"


outcome = tried(attempt, needs=SYS_PTRACE)
