# Sends the supervisor signal 0 by sigqueue.


def attempt():
    checked(LIBC.sigqueue(given["supervisor"], 0, None), "sigqueue")
    return "the supervisor can be signalled"


outcome = tried(attempt)
