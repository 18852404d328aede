# Takes back that it ends when its supervisor is killed.
PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2


def attempt():
    libc, kept = ctypes.CDLL(None, use_errno=True), ctypes.c_int()
    if libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    libc.prctl(PR_GET_PDEATHSIG, ctypes.byref(kept), 0, 0, 0)
    if kept.value == signal.SIGKILL:
        raise OSError(errno.EPERM, "it was not done")
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return "it would have gone on"


outcome = tried(attempt)
