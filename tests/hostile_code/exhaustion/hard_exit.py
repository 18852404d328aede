# Ends its process by os._exit. ends: killed
import os

os._exit(3)
