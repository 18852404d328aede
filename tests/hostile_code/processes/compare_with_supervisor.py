# Asks the kernel whether the supervisor shares its table of files.
outcome = tried(
    lambda: f"order {call('kcmp', os.getpid(), given['supervisor'], 2, 0, 0)}", lacking=("ENOSYS",), needs=SYS_PTRACE
)
