"""What an examination of this machine finds, and how commands of the system are asked within a time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

COMMAND_SECONDS = 10.0
"""How long a command of the system may take to answer."""

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it stands, what was found, and what to do next."""

    check: str
    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Where:
    """The folders that this call would use; `data` is None where BENCHBOX_DATA is not set."""

    results: Path
    cache: Path
    data: Path | None


@dataclass(frozen=True)
class Said:
    """What a command said: `state` tells whether it is there and answered in time; `last` is its last line."""

    state: Literal["answered", "failed", "missing", "silent"]
    text: str = ""

    @property
    def last(self) -> str:
        lines = self.text.strip().splitlines()
        return lines[-1].strip() if lines else "without a word"


def said(words: Sequence[str], seconds: float | None = None) -> Said:
    """Ask a command; it is killed when it does not answer in time.

    Args: seconds: `COMMAND_SECONDS` when not given.
    """
    limit = COMMAND_SECONDS if seconds is None else seconds
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return Said("silent", f"no answer within {limit:g} s")
    except OSError:
        return Said("missing")
    return Said("failed", done.stderr or done.stdout) if done.returncode else Said("answered", done.stdout)


def size(count: float) -> str:
    """Spell a number of bytes: 512 MB, 36.0 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
