# Asks the kernel to remove a module that does not exist.
outcome = tried(
    lambda: reached("delete_module", b"circlet-no-such-module", 0x800, errors=("ENOENT",)),
    lacking=("ENOSYS",),
    needs=SYS_MODULE,
)
