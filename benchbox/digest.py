"""Digests of the package's own source, so that a result knows which code made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
RESULT_PARTS = (
    "config.py",
    "options",
    "entries.py",
    "datasets",
    "pose",
    "attention",
    "models",
    "engine",
    "metrics",
    "worker",
)
"""The parts of the package that can move a score."""
MODEL_PARTS = ("attention", "models")
"""The parts that decide a network's parameters and multiply-adds."""


@cache
def source_digest(parts: Iterable[str] = RESULT_PARTS) -> str:
    """Return 16 hex digits over the names and bytes of the Python and TOML files of `parts`, in sorted order."""
    total = hashlib.sha256()
    for part in parts:
        place = PACKAGE / part
        for file in [place] if place.is_file() else _sources(place):
            total.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
            total.update(file.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def _sources(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in (".py", ".toml"))


def file_digest(path: Path) -> str:
    """Return 16 hex digits of a file's SHA-256; read once per process for a given size and time of change."""
    status = path.stat()
    return _file_digest(str(path), status.st_size, status.st_mtime_ns)


@cache
def _file_digest(path: str, size: int, changed_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
