# Binds the folder of the secret over one in the allowed folder.
import os


def attempt():
    os.mkdir(in_work("over"))
    call("mount", given["secret_dir"].encode(), in_work("over").encode(), None, 4096, None)
    try:
        return secret_in(read(os.path.join(in_work("over"), os.path.basename(given["secret"]))))
    finally:
        call("umount2", in_work("over").encode(), 2)


outcome = tried(attempt, needs=SYS_ADMIN)
