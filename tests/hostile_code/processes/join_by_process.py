# Enters the network namespace of the supervisor by a descriptor of its process.


def attempt():
    call("setns", call("pidfd_open", given["supervisor"], 0), NEWNET)
    return "it is in the supervisor's network"


outcome = tried(lambda: in_child(attempt), needs=SYS_ADMIN, lacking=("ENOSYS",))
