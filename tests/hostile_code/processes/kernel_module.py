# Asks the kernel to take an empty module.
outcome = tried(
    lambda: reached("init_module", None, 0, b"", errors=("EINVAL", "EFAULT", "ENOEXEC")),
    lacking=("ENOSYS",),
    needs=SYS_MODULE,
)
