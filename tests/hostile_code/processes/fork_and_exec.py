# Forks, and starts a program in the child.
import os

outcome = tried(lambda: greeting_in(output_of(lambda: os.execv(given["program"], ["echo", given["greeting"]]))))
