# Makes a file without a name in the allowed folder and links it outside.
import os


def attempt():
    descriptor = os.open(given["work"], os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(descriptor, b"unnamed")
    os.link(f"/proc/self/fd/{descriptor}", os.path.join(given["outside"], "named"), follow_symlinks=True)
    return "it has a name outside"


outcome = tried(attempt, lacking=("EOPNOTSUPP", "EISDIR"))
