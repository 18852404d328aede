# Sets the priority of the supervisor at the disk to what it is.


def attempt():
    priority = call("ioprio_get", 1, given["supervisor"])
    call("ioprio_set", 1, given["supervisor"], priority)
    return f"priority {priority}"


outcome = tried(attempt, lacking=("ENOSYS",))
