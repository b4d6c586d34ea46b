"""Marks that lead from a cell to its footnote; each format draws them in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Note(NamedTuple):
    """A footnote with its mark."""

    text: str
    mark: str

    def __str__(self) -> str:
        return f"{bracketed([self.mark])} {self.text}"


def bracketed(marks: Sequence[str]) -> str:
    """Spell marks where nothing can be raised."""
    return "".join(f"[{mark}]" for mark in marks)
