"""Where data and caches lie for this call."""

from __future__ import annotations

import os
from pathlib import Path


def data_root() -> Path | None:
    """Return the folder BENCHBOX_DATA names, if any."""
    named = os.environ.get("BENCHBOX_DATA")
    return Path(named).expanduser().resolve() if named else None


def root_above(data: Path, wanted: str) -> str:
    """Return what to say where BENCHBOX_DATA names a folder inside the data root; nothing where it does not.

    Args: wanted: a file or folder below the data root.
    """
    deep = not (data / wanted).exists() and (data.parent / wanted).exists()
    return f"; did you mean BENCHBOX_DATA={data.parent}?" if deep else ""


def results_words(results: Path) -> list[str]:
    """Return the words that a shown command needs to find a results folder: none for the usual one."""
    return [] if str(results) == "results" else ["--results", str(results)]


def cache_root() -> Path:
    """Return the user's cache folder: BENCHBOX_CACHE, else below XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("BENCHBOX_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "benchbox"
