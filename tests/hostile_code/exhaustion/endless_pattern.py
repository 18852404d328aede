# Matches a pattern that takes an exponential time, with the interrupt ignored. ends: killed
import re
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
re.match("(a+)+$", "a" * 64 + "b")
outcome = "did it: nothing ended it"
