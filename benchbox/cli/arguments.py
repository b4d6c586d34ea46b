"""What the Python interface was given, checked as the command line checks its words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import Any

from benchbox.errors import BenchboxError, InvalidInput

RESAMPLES = (100, 1_000_000)
"""Least and most of images."""


def path(name: str, value: Any) -> Path:
    """Return a path.

    Raises: InvalidInput for what is none.
    """
    try:
        return Path(value)
    except TypeError:
        raise _other(name, value, "a path") from None


def text(name: str, value: Any) -> str:
    """Return a text, or a path as one.

    Raises: InvalidInput for what is neither.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise _other(name, value, "a text")
    return str(value)


def word(name: str, value: Any) -> str | None:
    """Return a text or None.

    Raises: InvalidInput for what is neither.
    """
    if value is not None and not isinstance(value, str):
        raise _other(name, value, "a text")
    return value


def words(name: str, value: Any) -> list[str]:
    """Return a text, or several, as a list.

    Raises: InvalidInput for what is neither.
    """
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, Sequence) or not all(isinstance(one, str) for one in several):
        raise _other(name, value, "a text or a list of texts")
    return list(several)


def seeds(value: Any) -> str | None:
    """Return seeds as `--seeds` takes them; None for none.

    Raises: InvalidInput for what are no whole numbers of at least 0.
    """
    several = not isinstance(value, str) and hasattr(value, "__iter__")
    numbers = [_whole(one, 0) for one in value] if several else [None]
    if None in numbers:
        raise _other("seeds", value, "whole numbers, e.g. [0, 1, 2]")
    return ",".join(map(str, numbers)) or None


def resamples(value: Any) -> int | None:
    """Return a number of resamples; None for the usual one.

    Raises: InvalidInput.
    """
    least, most = RESAMPLES
    if value is None:
        return None
    number = _whole(value, least)
    if number is None or number > most:
        raise _other("resamples", value, f"a whole number from {least} to {most:,}")
    return number


def confidence(value: Any) -> float:
    """Return the confidence of intervals.

    Raises: InvalidInput.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.5 <= value < 1:
        raise _other("confidence", value, "a number from 0.5 up and below 1, e.g. 0.95")
    return float(value)


@contextmanager
def named(file: Path, name: str) -> Iterator[None]:
    """Let problems speak of an argument, where they would of a file that was made of it."""
    try:
        yield
    except BenchboxError as problem:
        if str(file) not in str(problem):
            raise
        raise type(problem)(str(problem).replace(str(file), name)) from None


def _whole(value: Any, least: int) -> int | None:
    try:
        number = None if isinstance(value, bool) else index(value)
    except TypeError:
        return None
    return number if number is not None and number >= least else None


def _other(name: str, value: Any, wanted: str) -> InvalidInput:
    return InvalidInput(f"{name}: must be {wanted}; got {value!r:.80}")
