# Asks for another kernel, with flags that do not exist.
outcome = tried(lambda: reached("kexec_load", 0, 0, None, 0x7FFF), lacking=("ENOSYS",), needs=SYS_BOOT)
