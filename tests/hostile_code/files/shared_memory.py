# Makes a file in the system's shared memory, and removes it.
import os


def attempt():
    path = write(f"/dev/shm/circlet-hostile-{os.getpid()}", b"x")
    os.unlink(path)
    return path


outcome = tried(attempt, lacking=("ENOENT",))
