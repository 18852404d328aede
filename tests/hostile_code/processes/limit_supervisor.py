# Sets a limit of the supervisor to what it is.
import resource


def attempt():
    limits = resource.prlimit(given["supervisor"], resource.RLIMIT_NOFILE)
    resource.prlimit(given["supervisor"], resource.RLIMIT_NOFILE, limits)
    return limits


outcome = tried(attempt)
