"""Who works on an attempt, and whether they still do: exactly on this machine, by heartbeat from any other.

No two clocks are compared: clocks jump, and those of a cluster differ. A heartbeat is a text that changes; whoever
watches it for a while and sees no change knows enough.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ALONE = "BENCHBOX_ALONE"
"""Variable of a worker: 1 where nobody else was given its devices, nor shares caches and memory with them."""
BEAT_SECONDS = 5.0
LEASE_SECONDS = 60.0
"""A heartbeat that stood still for so long was a dead process's; NFS may show a beat some seconds late."""


def identity() -> dict[str, Any]:
    """Describe this process so that others can tell whether it lives."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "boot": _boot_id(),
        "space": _process_space(),
        "pid": pid,
        "started": process_start(pid),
    }


def alive(claim: Mapping[str, Any]) -> bool | None:
    """Tell whether a claim's process lives; None where its processes cannot be seen from here.

    They can where kernel and process namespace are this process's own. Another boot of a machine of this name may be
    another machine.
    """
    mine = identity()
    if any(claim.get(key, mine[key]) != mine[key] for key in ("host", "boot", "space")):
        return None
    return claim.get("started") == process_start(int(claim.get("pid", 0)))


def process_start(pid: int) -> str | None:
    """Return a mark that a recycled process id does not share; None for a process that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
        return "alive"
    except OSError:
        return None


@dataclass
class Watch:
    """Remembers what heartbeats said and since when, by this process's own clock that never jumps."""

    clock: Callable[[], float] = time.monotonic
    seen: dict[Hashable, tuple[bytes, float]] = field(default_factory=dict)

    def lapsed(self, name: Hashable, heartbeat: Path) -> bool:
        """Tell whether a heartbeat has not changed for `LEASE_SECONDS` of being watched."""
        try:
            # Not its time: on NFS only opening a file shows what others wrote.
            beat = heartbeat.read_bytes() if heartbeat.is_file() else b""
        except OSError:
            beat = b""
        before, since = self.seen.get(name, (None, 0.0))
        if before != beat:
            self.seen[name] = (beat, self.clock())
            return False
        return self.clock() - since >= LEASE_SECONDS


class Heart:
    """Changes a file every few seconds for as long as this process lives, and looks whether it is still wanted."""

    def __init__(self, heartbeat: Path, unwanted: Callable[[], bool], stop: Callable[[], None]) -> None:
        """Begin to beat in a thread.

        Args: unwanted: looked at every second; `stop` is called once after it was true.
        """
        self._path, self._unwanted, self._stop = heartbeat, unwanted, stop
        self._beats = 0
        self._beat()
        threading.Thread(target=self._live, name="heart", daemon=True).start()

    def _live(self) -> None:
        asked, beaten = False, time.monotonic()
        while True:
            time.sleep(1.0)
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                self._beat()
            if not asked and self._unwanted():
                asked = True
                self._stop()

    def _beat(self) -> None:
        self._beats += 1
        with contextlib.suppress(OSError):  # a full disk or a folder that is gone will be told by what needs them
            self._path.write_text(f"{os.getpid()} {self._beats}\n", encoding="ascii")


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@cache
def _process_space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
