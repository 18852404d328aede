# Copies a descriptor of the supervisor's.


def attempt():
    supervisor = call("pidfd_open", given["supervisor"], 0)
    return first_of(
        lambda number=number: f"descriptor {call('pidfd_getfd', supervisor, number, 0)}" for number in range(3, 64)
    )


outcome = tried(attempt, lacking=("ENOSYS",), needs=SYS_PTRACE)
