# Starts a program by posix_spawn.
import os


def attempt():
    readable, writable = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writable, 1)]
    child = os.posix_spawn(given["program"], ["echo", given["greeting"]], {}, file_actions=actions)
    os.waitpid(child, 0)
    os.close(writable)
    return greeting_in(os.read(readable, 4096))


outcome = tried(attempt)
