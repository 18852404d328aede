# Forks children that call themselves what is no text, up to `children_max`. ends: limited
PR_SET_NAME = 15

outcome = tried(lambda: crowd(lambda: LIBC.prctl(PR_SET_NAME, b"\xff) \xfe", 0, 0, 0)))
