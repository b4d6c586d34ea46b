"""Files that appear whole or not at all, and what a disk refuses in one line."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import os
import stat
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from benchbox.errors import BenchboxError, EnvironmentProblem, InvalidInput


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    # Several times as fast as json.dumps, which indents in Python: ten thousand jobs are written at once.
    temporary = write_temporary(path, to_json(record, indent=1).decode())
    with explained(path):
        os.replace(temporary, path)


NUMBER = (int, float)
MOST_OF_A_RECORD = 100_000_000
"""Bytes; a reference with the persons of a whole data set has a fiftieth of it."""
NO_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
OTHER_THINGS = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOENT)
"""Errors of the system, by what is wrong: with a path, with rights, with a disk, with what stands in the way."""
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


def refuse_outside(path: Path, folder: Path) -> None:
    """Refuse a place that a link leads out of a folder.

    Raises: InvalidInput.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise InvalidInput(f"{path}: a link leads out of {folder}; remove the link")


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


def listed(folder: Path, pattern: str = "*") -> list[Path]:
    """List what lies in a folder by a pattern of its name, sorted; nothing where there is no folder.

    Raises: PermissionError where it may not be looked into, of which `Path.glob` says nothing.
    """
    try:
        return sorted(folder / name for name in fnmatch.filter(os.listdir(folder), pattern))
    except (FileNotFoundError, NotADirectoryError):
        return []


@contextlib.contextmanager
def explained(path: Path) -> Any:
    """Turn what a disk refuses (full, read-only, no right, no such place) into one line."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (*NO_NAMES, *NO_RIGHT, *NO_ROOM, *OTHER_THINGS):
            raise EnvironmentProblem(f"{path}: cannot be written: {(problem.strerror or '').lower()}") from None
        raise


def refusal(problem: OSError) -> BenchboxError | None:
    """Return as one line what no code can mend, a name that no file can have or a right that lacks; None for others."""
    said = f"{problem.filename}: {(problem.strerror or '').lower()}"
    if problem.filename is not None and problem.errno in NO_NAMES:
        return InvalidInput(f"{said}; give another path")
    if problem.filename is not None and problem.errno in NO_RIGHT:
        return EnvironmentProblem(f"{said}; see its owner and rights with ls -ld")
    return None


def write_temporary(path: Path, content: str | bytes) -> Path:
    """Write a file beside where it will stand and return that one; nothing is left when the disk refuses.

    Raises: InvalidInput where a folder, a pipe or a device stands: a file in its place would destroy it.
    EnvironmentProblem when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        with contextlib.suppress(FileNotFoundError):
            refuse_special(path)
        try:
            temporary.unlink(missing_ok=True)  # a link that waits under this name would lead the bytes elsewhere
            with open(temporary, "xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
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
