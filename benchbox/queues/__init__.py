"""Executors by name; all start the same worker command."""

from benchbox.queues.inline import inline
from benchbox.queues.local import LocalQueue

QUEUES = {"local": LocalQueue, "inline": inline}
