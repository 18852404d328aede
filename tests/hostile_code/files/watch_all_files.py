# Watches the folder of the secret by fanotify.
import os


def attempt():
    group = call("fanotify_init", 0, os.O_RDONLY)
    call("fanotify_mark", group, 1, 0x20 | 0x8000000, HERE, given["secret_dir"].encode())
    with open(given["secret"], "rb"):
        return secret_in(os.read(struct.unpack_from("=IBBHQii", os.read(group, 4096))[5], 4096))


outcome = tried(attempt, lacking=("ENOSYS",), needs=SYS_ADMIN)
