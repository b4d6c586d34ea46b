"""The one place that prints: data to stdout, progress and notes to stderr, colour only on a terminal that wants it."""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

SIGNS = {"≠": "!=", "≈": "~", "±": "+-", "×": "x", "–": "-", "Δ": "d", "“": '"', "”": '"', "…": "..."}
"""What stands for a sign that an output's encoding lacks."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a place that the output is led to."""


_KEPT: ContextVar[list[str] | None] = ContextVar("kept", default=None)


def spell_out_signs() -> None:
    """Let output in any encoding go on where it lacks a sign; what has no stand-in is written as JSON escapes it."""

    def stand_in(problem: UnicodeError) -> tuple[str, int]:
        assert isinstance(problem, UnicodeEncodeError)
        letters = problem.object[problem.start : problem.end]
        return "".join(SIGNS.get(letter, f"\\u{ord(letter):04x}") for letter in letters), problem.end

    codecs.register_error("spelled", stand_in)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="spelled")


def live() -> bool:
    """Tell whether stderr is a terminal on which a moving display makes sense."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def plain(text: str) -> str:
    """Return text without control characters, so that no name in a file can steer the terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def many(number: int, noun: str) -> str:
    """Return `1 job`, `2 jobs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def note(text: str) -> None:
    """Print a line of progress to stderr."""
    kept = _KEPT.get()
    if kept is not None:
        kept.append(plain(text))
        return
    try:
        print(plain(text), file=sys.stderr, flush=True)
    except OSError as problem:
        if problem.errno not in UNWRITABLE:
            raise
        # a log on a full disk: what it tells of goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@contextmanager
def kept_notes() -> Iterator[list[str]]:
    """Collect the notes made inside instead of printing them."""
    notes: list[str] = []
    before = _KEPT.set(notes)
    try:
        yield notes
    finally:
        _KEPT.reset(before)


def data(text: str) -> None:
    """Print a result to stdout."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        stop_unread()


def open_closed() -> None:
    """Lead the output nowhere where a shell has closed it (`>&-`): the next file would be opened in its place."""
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, "r" if number == 0 else "w"))  # noqa: SIM115


def stop_unread() -> NoReturn:
    """End the process in peace: nobody reads its output any more, as behind `| head`."""
    drop_output()
    raise SystemExit(0) from None


def drop_output() -> None:
    """Send what is still to be printed nowhere, since its reader or its room has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def ask(question: str) -> bool:
    """Ask a yes-or-no question on the terminal; no is the default."""
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def question(text: str, default: str) -> str:
    """Ask for a line on the terminal; an empty one is the default, the end of the input an interruption."""
    print(f"{plain(text)} [{default}] ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt
    return line.strip() or default


def duration(seconds: float) -> str:
    """Spell a duration the way people say it: 45 s, 12 min, 3.5 h, 8 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
