# Imports a module that never ends. ends: interrupted
import sys

write(in_work("endless.py"), f"import time\ntime.sleep({given['seconds']})\n".encode())
sys.path.insert(0, given["work"])
import endless

outcome = "did it: nothing ended it"
