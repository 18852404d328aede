# Writes a new file outside.
import os

outcome = tried(lambda: write(os.path.join(given["outside"], "new"), b"new"))
