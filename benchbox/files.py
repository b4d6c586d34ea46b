"""Files that appear whole or not at all, and what a disk refuses in one line."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from benchbox.errors import EnvironmentProblem, InvalidInput


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    # Several times as fast as json.dumps, which indents in Python: ten thousand jobs are written at once.
    temporary = write_temporary(path, to_json(record, indent=1).decode())
    with explained(path):
        os.replace(temporary, path)


NUMBER = (int, float)
MOST_OF_A_RECORD = 100_000_000
"""Bytes; a reference with the persons of a whole data set has a fiftieth of it."""
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def read_plain(path: Path, most: int) -> bytes:
    """Read a plain file of at most so many bytes.

    Raises: InvalidInput for what is no plain file, or a larger one. OSError where it cannot be read.
    """
    refuse_special(path, most)
    return path.read_bytes()


def refuse_special(path: Path, most: int | None = None) -> None:
    """Refuse what is no plain file, since a pipe or a device may never end, and one of more than so many bytes.

    Raises: InvalidInput; OSError where there is nothing.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise InvalidInput(f"{path}: is {kind}; give the path of a file")
    if most is not None and status.st_size > most:
        raise InvalidInput(f"{path}: has {status.st_size:,} bytes, more than the {most:,} that are read of such a file")


def read_record(path: Path, kinds: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any] | None:
    """Read a JSON object whose values are of some kinds; None when it is missing, half-written or something else."""
    record = read_json(path, kinds.keys())
    if record is None or any(
        not isinstance(record[key], kind) or isinstance(record[key], bool) for key, kind in kinds.items()
    ):
        return None
    return record


def read_json(path: Path, keys: Set[str] = frozenset()) -> dict[str, Any] | None:
    """Read a JSON object that has some keys; None when it is missing, no plain file, or was left half-written.

    Raises: EnvironmentProblem where the system does not let it be read.
    """
    try:
        record = json.loads(read_plain(path, MOST_OF_A_RECORD))
    except (FileNotFoundError, NotADirectoryError, InvalidInput, ValueError, RecursionError):
        return None
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            return None
        raise EnvironmentProblem(f"{path}: cannot be read: {(problem.strerror or '').lower()}") from None
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
