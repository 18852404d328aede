# Sends signal 0 to the supervisor's first thread by tgkill.


def attempt():
    checked(LIBC.tgkill(given["supervisor"], given["supervisor"], 0), "tgkill")
    return "the supervisor's thread can be signalled"


outcome = tried(attempt)
