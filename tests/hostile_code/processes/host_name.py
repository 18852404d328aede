# Sets the name of the machine to what it is.
import socket


def attempt():
    name = socket.gethostname().encode()
    call("sethostname", name, len(name))
    return name


outcome = tried(attempt, needs=SYS_ADMIN)
