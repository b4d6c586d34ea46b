"""Files that appear whole or not at all, and what a disk refuses in one line."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Set
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from benchbox.errors import EnvironmentProblem


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    # Several times as fast as json.dumps, which indents in Python: ten thousand jobs are written at once.
    temporary = write_temporary(path, to_json(record, indent=1).decode())
    with explained(path):
        os.replace(temporary, path)


def read_json(path: Path, keys: Set[str] = frozenset()) -> dict[str, Any] | None:
    """Read a JSON object that has some keys; None when it is missing or was left half-written."""
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return record if isinstance(record, dict) and record.keys() >= keys else None


@contextlib.contextmanager
def explained(path: Path) -> Any:
    """Turn what a disk refuses (full, read-only, no right) into one line."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EROFS,
            errno.EACCES,
            errno.EPERM,
            errno.ENOTDIR,
            errno.EEXIST,
        ):
            raise EnvironmentProblem(f"{path}: cannot be written: {(problem.strerror or '').lower()}") from None
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, in a folder that is made where it is missing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_temporary(path: Path, text: str) -> Path:
    """Write a text beside where it will stand and return that file; nothing is left when the disk refuses."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        try:
            temporary.write_text(text, encoding="utf-8")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return temporary
