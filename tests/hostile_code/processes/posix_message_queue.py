# Makes a message queue of POSIX, and removes it.


def attempt():
    name = f"circlet-hostile-{os.getpid()}".encode()
    descriptor = call("mq_open", name, os.O_CREAT | os.O_RDWR, 0o600, None)
    call("mq_unlink", name)
    return f"descriptor {descriptor}"


outcome = tried(attempt, lacking=("ENOSYS",))
