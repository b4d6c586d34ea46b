"""Read annotation files and check their entries: every mistake is one line with the file, the entry and the value."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.files import read_plain, refuse_special

PIXEL_LIMIT = 1e7
"""Nothing beyond it can be a place in an image."""
UNPACKED_LIMIT = 2_000_000_000
"""Bytes that a file may hold, packed or not; COCO's largest has a quarter of a billion."""
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_NUMBERS = {int, float}  # what JSON's numbers become; true and false are of neither type


def file_fingerprint(files: Sequence[Path], hint: str) -> str:
    """Return 16 hexadecimal digits that stand for the content of files.

    Args:
        files: one: the SHA-256 of its bytes; several: that of their SHA-256 in this order.
        hint: where a missing file belongs.

    Raises:
        EnvironmentProblem: a file cannot be read.
    """
    digests = [_sha256(file, hint) for file in files]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(d.digest() for d in digests))
    return digest.hexdigest()[:16]


def read_json(path: Path, hint: str, *, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Read a JSON file, packed by gzip where its name ends in `.gz`.

    Args:
        path: of the file.
        hint: where a missing file belongs.
        pairs_hook: makes an object of its pairs; a dict where there is none.

    Raises:
        EnvironmentProblem: the file is not there.
        InvalidInput: it is not JSON, or more than the memory holds.
    """
    content = read_bytes(path, hint)
    try:
        if path.suffix == ".gz":
            content = _unpacked(content)
        text = content.decode(json.detect_encoding(content), "surrogatepass")
        del content  # hundreds of megabytes that need not lie beside what is made of them
        return json.loads(text, object_pairs_hook=pairs_hook)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as problem:
        raise InvalidInput(f"{path}: not JSON: {one_line(problem)}") from None
    except MemoryError:
        raise InvalidInput(f"{path}: holds more than this machine's memory") from None


def _unpacked(content: bytes) -> bytes:
    """Unpack what gzip packed; a file that would fill the memory is refused."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unpacked = file.read(UNPACKED_LIMIT + 1)
    if len(unpacked) > UNPACKED_LIMIT:
        raise ValueError(f"unpacks to more than {UNPACKED_LIMIT:,} bytes")
    return unpacked


def read_bytes(path: Path, hint: str) -> bytes:
    """Read a file that should be there.

    Raises:
        EnvironmentProblem: it cannot be read; the line ends with the hint.
        InvalidInput: it is no plain file, or too large for any of its kind.
    """
    try:
        return read_plain(path, UNPACKED_LIMIT)
    except OSError as problem:
        raise _unreadable(path, problem, hint) from None


def image_folder(folder: Path, hint: str) -> Path:
    """Return the folder of the images.

    Raises:
        EnvironmentProblem: it is not there.
    """
    if not folder.is_dir():
        raise EnvironmentProblem(f"no image folder {folder}; {hint}")
    return folder


def image_name(value: Any, where: str, *, key: str) -> Path:
    """Check the name of an image and return it as a path below the folder of the images.

    Raises:
        InvalidInput: it is no text, empty, no name that a file can have or one that leads out of the folder.
    """
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where}: no {key}")
    name = Path(writable(value, where, key=key))
    if name.is_absolute() or ".." in name.parts:
        raise InvalidInput(f"{where}: {key} {shown(value)} leaves the folder of the images")
    return name


def writable(value: Any, where: str, *, key: str) -> str:
    """Return a text that files can hold; none where there is null or nothing.

    Raises:
        InvalidInput: it is no text, or has a zero or half of a UTF-16 pair in it, which JSON can write.
    """
    if value is not None and (not isinstance(value, str) or _UNWRITABLE.search(value)):
        raise InvalidInput(f"{where}: {key} is {shown(value)}, expected a text")
    return value or ""


def numbers(entry: dict[str, Any], key: str, where: str, count: int, *, limit: float = PIXEL_LIMIT**2) -> list[float]:
    """Return `count` numbers under `key` that lie nearer to 0 than `limit`; a single one is not in a list.

    Raises:
        InvalidInput: there is something else.
    """
    values = entry.get(key)
    if count == 1:
        values = [values]
    elif not isinstance(values, list):
        raise InvalidInput(f"{where}: {key} is {shown(values)}, expected {count} numbers")
    elif len(values) != count:
        what = "lists" if values and isinstance(values[0], list) else "numbers"
        row = ", one after the other" if what == "lists" else ""
        raise InvalidInput(f"{where}: {key} has {len(values)} {what}, expected {count} numbers{row}")
    # NaN hides from min and max, not from the sum; three looks in C are twice as fast as one at each value.
    near = _NUMBERS.issuperset(map(type, values)) and -limit < min(values) and max(values) < limit
    if near and math.isfinite(sum(values)):
        return list(map(float, values))
    place, wrong = next((at, one) for at, one in enumerate(values) if not _is_number(one, limit))
    name = key if count == 1 else f"{key}[{place}]"
    raise InvalidInput(f"{where}: {name} is {shown(wrong)}, expected a finite number below {limit:g}")


def keypoints(entry: dict[str, Any], where: str, joints: int) -> list[float]:
    """Return the labelled keypoints of an annotation: x, y, visibility of each joint, one after the other.

    Raises:
        InvalidInput: there is something else, or a visibility other than 0, 1, 2.
    """
    values = numbers(entry, "keypoints", where, 3 * joints, limit=PIXEL_LIMIT)
    if not {0, 1, 2}.issuperset(values[2::3]):
        raise InvalidInput(f"{where}: keypoints holds a visibility other than 0, 1, 2")
    return values


def box(entry: dict[str, Any], where: str) -> tuple[float, float, float, float]:
    """Return the `bbox` of an entry: x, y, width, height in pixels.

    Raises:
        InvalidInput: there is something else, or a negative size.
    """
    x, y, width, height = numbers(entry, "bbox", where, 4, limit=PIXEL_LIMIT)
    if width < 0 or height < 0:
        raise InvalidInput(f"{where}: bbox has a negative size, {width:g} x {height:g}")
    return x, y, width, height


def integer(entry: dict[str, Any], key: str, where: str) -> int:
    """Return the whole number under `key`, not negative.

    Raises:
        InvalidInput: there is something else.
    """
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise InvalidInput(f"{where}: {key} is {shown(value)}, expected a whole number from 0")
    return value


def items(document: dict[str, Any], key: str, path: Path, expected: str) -> list[Any]:
    """Return the list under `key` of a document.

    Raises:
        InvalidInput: there is none; the line says what was expected.
    """
    values = document.get(key)
    if not isinstance(values, list):
        raise InvalidInput(f"{path}: no list of {key}; expected {expected}")
    return values


def entry_name(entry: Any, index: int) -> str:
    """Name an entry by its id, or by its place where it has none."""
    number = entry.get("id") if isinstance(entry, dict) else None
    return str(number) if isinstance(number, int) else f"at place {index}"


def shown(value: Any) -> str:
    """Show a wrong value on one short line."""
    text = one_line(repr(value))
    return "missing" if value is None else text if len(text) <= 60 else text[:57] + "..."


def one_line(text: object) -> str:
    """Put a text on one line."""
    return " ".join(str(text).split())


def kind(value: Any) -> str:
    """Name the JSON type of a value."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _is_number(value: Any, limit: float) -> bool:
    return type(value) in _NUMBERS and -limit < value < limit


def _sha256(path: Path, hint: str) -> Any:
    try:
        refuse_special(path)
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256")
    except OSError as problem:
        raise _unreadable(path, problem, hint) from None


def _unreadable(path: Path, problem: OSError, hint: str) -> EnvironmentProblem:
    if isinstance(problem, FileNotFoundError):
        return EnvironmentProblem(f"no file {path}; {hint}")
    return EnvironmentProblem(f"cannot read {path}: {problem.strerror}; {hint}")
