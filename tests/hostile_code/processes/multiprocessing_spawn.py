# Starts an interpreter by multiprocessing's spawn, which reads its work from a pipe.
import os
import multiprocessing.util
import sys


def attempt():
    readable, writable = os.pipe()
    command = f"import os; os.write({writable}, b'{given['greeting']}')"
    child = multiprocessing.util.spawnv_passfds(
        sys.executable.encode(), [b"python3", b"-S", b"-c", command.encode()], [writable]
    )
    os.waitpid(child, 0)
    os.close(writable)
    return greeting_in(os.read(readable, 256))


outcome = tried(attempt)
