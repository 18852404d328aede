# Copies the secret into the allowed folder by copy_file_range.
import os


def attempt():
    source = os.open(given["secret"], os.O_RDONLY)
    target = os.open(in_work("copy"), os.O_RDWR | os.O_CREAT, 0o600)
    call("copy_file_range", source, None, target, None, 4096, 0)
    return secret_in(os.pread(target, 4096, 0))


outcome = tried(attempt, lacking=("ENOSYS", "EXDEV"))
