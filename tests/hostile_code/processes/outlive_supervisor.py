# Takes back that it ends when its supervisor is killed.
PR_SET_PDEATHSIG = 1


def attempt():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return "it would have gone on"


outcome = tried(attempt)
