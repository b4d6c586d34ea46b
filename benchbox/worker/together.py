"""One of several processes under torchrun: how it ends when the others do."""

from __future__ import annotations

import os
import threading
import time

LAUNCHER = "BENCHBOX_LAUNCHER"
"""Variable with the process id of who started torchrun."""
LOST = 76
"""Exit code of a process that found another one gone, whose end says more."""
AGAIN = 75
"""Exit code of a process that ran out of memory and leaves the attempt to be continued in more parts."""


class MoreParts(Exception):
    """Memory was short in one of several processes; all are to start again, with mini-batches in more parts."""


def follow_launcher() -> None:
    """End this process soon after the one that started it.

    torchrun's children are in sessions of their own: a SIGKILL to the launcher's group does not reach them.
    """
    launcher = int(os.environ.get(LAUNCHER, os.getppid()))

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(0.1)
        os._exit(LOST)

    threading.Thread(target=watch, daemon=True).start()
