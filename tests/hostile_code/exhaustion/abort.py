# Ends its process by os.abort. ends: killed
import os
import resource

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.abort()
