# Kills its whole process group, of which the supervisor is no member. ends: killed
import os
import signal

os.killpg(os.getpid(), signal.SIGKILL)
