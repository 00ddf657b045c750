"""Takes away what Python lacks on Windows; Python imports this file by itself when its folder is on PYTHONPATH.

What Python's own modules and Jupyter need on Linux stays: fcntl, resource, the other signals, os.name, the paths.
"""

import os
import signal

SIGNALS = ("setitimer", "getitimer", "alarm", "pause", "SIGALRM")
SYSTEM = ("fork", "forkpty", "killpg", "setsid", "mkfifo")

for module, names in ((signal, SIGNALS), (os, SYSTEM)):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
