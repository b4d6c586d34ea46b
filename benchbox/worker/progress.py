"""What a running job tells `status` and the live display, and how it is asked to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchbox.files import write_json

PROGRESS_SECONDS = 1.0


class Stopped(Exception):
    """The process was asked to stop; its state is saved."""


@dataclass
class Progress:
    """The file that `status` and the live display read; written each second and at each epoch, where it has a path."""

    path: Path | None
    record: dict[str, Any] = field(default_factory=dict)
    written: float = 0.0

    def tell(self, phase: str, **values: Any) -> None:
        """Say what the job does and how far it is."""
        now = time.monotonic()
        changed = any(self.record.get(key) != new for key, new in (("phase", phase), ("epoch", values.get("epoch"))))
        self.record = {"phase": phase, **values}
        if self.path and (changed or now - self.written >= PROGRESS_SECONDS):
            self.written = now
            write_json(self.path, self.record | {"time": time.time()})


def listen() -> Callable[[], bool]:
    """Catch SIGTERM, SIGINT and SIGUSR2; return whether one came."""
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, lambda received, frame: asked.append(received))
    return lambda: bool(asked)
