# Makes semaphores of System V, and removes them.


def attempt():
    number = call("semget", 0, 1, 0o1600)
    call("semctl", number, 0, 0, None)
    return f"semaphores {number}"


outcome = tried(attempt, lacking=("ENOSYS",))
