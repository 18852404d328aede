# Opens the system's passwords to read them.
import os

outcome = tried(lambda: f"descriptor {os.open('/etc/shadow', os.O_RDONLY)}", lacking=("ENOENT",), needs=DAC_READ_SEARCH)
