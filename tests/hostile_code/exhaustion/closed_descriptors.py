# Closes all descriptors that it was started with. ends: killed
import os

os.closerange(3, 1024)
outcome = "did it: all are closed"
