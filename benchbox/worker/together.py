"""A process that another one started: how it ends when that one does; so do all of a job under torchrun."""

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


def launcher() -> int:
    """Return the process id of who started torchrun, else of who started this process."""
    return int(os.environ.get(LAUNCHER, os.getppid()))


def follow(parent: int) -> None:
    """End this process soon after its parent, which a signal may end that does not reach this one.

    torchrun's children, for one, are in sessions of their own: a SIGKILL to the launcher's group leaves them.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(LOST)

    threading.Thread(target=watch, daemon=True).start()
