# Makes a message queue of System V, and removes it.


def attempt():
    number = call("msgget", 0, 0o1600)
    call("msgctl", number, 0, None)
    return f"queue {number}"


outcome = tried(attempt, lacking=("ENOSYS",))
