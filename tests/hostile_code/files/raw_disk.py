# Opens the disk that the secret is on, and reads its first sector.
import os


def attempt():
    device = os.stat(given["secret"]).st_dev
    path = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/uevent"
    try:
        name = next(line[8:] for line in read(path).decode().splitlines() if line.startswith("DEVNAME="))
    except FileNotFoundError:
        raise Absent("the file system has no disk") from None
    return f"{len(read('/dev/' + name)[:512])} bytes of {name}"


outcome = tried(attempt, lacking=("ENOENT",), needs=SYS_ADMIN)
