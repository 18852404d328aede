# Takes a mount away that is not there, which the kernel finds out after it looked who asks.
outcome = tried(lambda: reached("umount2", given["work"].encode(), 2), needs=SYS_ADMIN)
