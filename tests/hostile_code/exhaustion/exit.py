# Ends by sys.exit.
import sys

outcome = "did it: the exit follows"
sys.exit(3)
