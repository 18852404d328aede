# Asks for a reboot with numbers that mean nothing, so that nothing can happen.
outcome = tried(lambda: reached("reboot", 1, 2, 3, None), needs=SYS_BOOT)
