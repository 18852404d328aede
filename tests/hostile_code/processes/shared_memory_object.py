# Makes shared memory of System V, and removes it.


def attempt():
    number = call("shmget", 0, 4096, 0o1600)
    call("shmctl", number, 0, None)
    return f"memory {number}"


outcome = tried(attempt, lacking=("ENOSYS",))
