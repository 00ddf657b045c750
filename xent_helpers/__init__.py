"""Cross-Entropy from First Principles: what the notebooks share."""

import os
import sys

if sys.argv[:1] == ["-m"]:  # a command of the package: Python is looking for it and has imported nothing else yet
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder that it is started in may hold a psutil.py of somebody else's

    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the imports without a traceback

    from xent_helpers.parent import end_with_parent

    if "RANK" in os.environ:
        end_with_parent()  # torchrun's, whose workers would go on without it
