# Opens the supervisor as a descriptor and sends signal 0 by it.


def attempt():
    descriptor = call("pidfd_open", given["supervisor"], 0)
    call("pidfd_send_signal", descriptor, 0, None, 0)
    return "the supervisor can be signalled"


outcome = tried(attempt, lacking=("ENOSYS",))
