# Starts the interpreter that it runs in anew.
import os
import sys

words = [sys.executable, "-S", "-c", f"print('{given['greeting']}')"]
outcome = tried(lambda: greeting_in(output_of(lambda: os.execv(sys.executable, words))))
