# Stops its own process by SIGSTOP. ends: killed
import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
outcome = "did it: somebody woke it"
