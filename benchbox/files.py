"""Files that appear whole or not at all, and what a disk refuses in one line."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Mapping, Set
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


NUMBER = (int, float)


def read_record(path: Path, kinds: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any] | None:
    """Read a JSON object whose values are of some kinds; None when it is missing, half-written or something else."""
    record = read_json(path, kinds.keys())
    if record is None or any(
        not isinstance(record[key], kind) or isinstance(record[key], bool) for key, kind in kinds.items()
    ):
        return None
    return record


def read_json(path: Path, keys: Set[str] = frozenset()) -> dict[str, Any] | None:
    """Read a JSON object that has some keys; None when it is missing, a folder, or was left half-written."""
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, RecursionError):
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


def write_temporary(path: Path, content: str | bytes) -> Path:
    """Write a file beside where it will stand and return that one; nothing is left when the disk refuses."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        try:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, its folder included.

    Raises: EnvironmentProblem when the disk refuses.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = write_temporary(path, content)
        try:
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
