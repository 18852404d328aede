# Asks for swap on a file that is not there.
outcome = tried(
    lambda: reached("swapon", in_work("none").encode(), 0, errors=("ENOENT",)), lacking=("ENOSYS",), needs=SYS_ADMIN
)
