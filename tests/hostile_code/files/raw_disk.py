# Opens the disk that the secret is on to read it, and reads nothing.
import os


def attempt():
    device = os.stat(given["secret"]).st_dev
    path = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/uevent"
    try:
        name = next(line[8:] for line in read(path).decode().splitlines() if line.startswith("DEVNAME="))
    except FileNotFoundError:
        raise Absent("the file system has no disk") from None
    return f"descriptor {os.open('/dev/' + name, os.O_RDONLY)}"


# EPERM is what a control group for devices says.
outcome = tried(attempt, lacking=("ENOENT", "EPERM"), needs=SYS_ADMIN)
