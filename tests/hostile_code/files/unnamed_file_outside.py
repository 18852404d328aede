# Makes a file without a name outside.
import os


def attempt():
    descriptor = os.open(given["outside"], os.O_TMPFILE | os.O_RDWR, 0o600)
    return f"{os.write(descriptor, b'unnamed')} bytes written"


outcome = tried(attempt, lacking=("EOPNOTSUPP", "EISDIR"))
