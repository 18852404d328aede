# Makes a terminal and types into it by TIOCSTI.
import fcntl
import os


def attempt():
    _, terminal = os.openpty()
    fcntl.ioctl(terminal, 0x5412, b"x")
    return "a letter is typed"


outcome = tried(attempt, lacking=("EIO",), needs=SYS_ADMIN)
