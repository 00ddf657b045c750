"""End a process when the one that started it ends, however that happens."""

import ctypes
import os
import signal
import sys
import threading
import time


def end_with_parent(parent: int | None = None) -> None:
    """End this process as soon as ``parent`` has ended (that of the caller, where no other is given)."""
    parent = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it had ended before
        os._exit(1)


def _watch(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
