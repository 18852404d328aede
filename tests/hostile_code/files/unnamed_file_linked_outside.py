# Makes a file without a name in the allowed folder and links it outside.
import os


def attempt():
    descriptor = os.open(given["work"], os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(descriptor, b"unnamed")
    # Python's own link follows no link.
    named = os.path.join(given["outside"], "named").encode()
    checked(LIBC.linkat(HERE, f"/proc/self/fd/{descriptor}".encode(), HERE, named, 0x400), "linkat")
    return "it has a name outside"


outcome = tried(attempt, lacking=("EOPNOTSUPP", "EISDIR"))
