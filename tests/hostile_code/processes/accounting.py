# Asks the kernel to keep accounts in a file that is not there.
outcome = tried(
    lambda: reached("acct", in_work("none").encode(), errors=("ENOENT",)), lacking=("ENOSYS",), needs=SYS_PACCT
)
