# Starts a program by subprocess.
import subprocess


def attempt():
    return greeting_in(subprocess.run([given["program"], given["greeting"]], capture_output=True, timeout=5).stdout)


outcome = tried(attempt)
