"""Fit the columns of a table into a terminal: words and numbers stay whole for as long as there is room.

Where there is none, long words break behind hyphens, underscores, slashes, dots and the like.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

GAPS = (3, 2, 1)
"""Blanks between two columns, tried from the widest."""
LONGEST = (40, 24, 16, 12)
"""Letters of a word in a column of texts that stay together, tried from the most: keys and paths can be long."""
HYPHEN = re.compile(r"(?<=\w-)(?=\w)")
JOINT = re.compile(r"(?<=\w[-_/+=:])(?=\w)|(?<=[^\W\d]\.)(?=\w)|(?<=_)(?=[^\W_])")
"""Between what parts of a heading, and of a word that is too long for its column, a line may end."""
BLANK = re.compile(r"(?<!±)\s+(?!±)")
"""Where a cell may wrap: a number stays beside its deviation."""
WHOLE = [("texts", "numbers"), *[("numbers",)] * len(LONGEST), *[()] * len(LONGEST)]
"""Whose cells have one line, tried in turn; headings may always have several."""
EDGES = 2


class Fit(NamedTuple):
    """The width of every column, and the blanks between two."""

    widths: list[int]
    gap: int


class Texts(NamedTuple):
    """A column to be fitted: its heading, its cells, and what they are, "texts" or "numbers"."""

    heading: str
    cells: Sequence[str]
    kind: str

    def natural(self) -> int:
        """Return the width at which nothing wraps."""
        return max(cell_len(text) for text in (self.heading, *self.cells))

    def least(self, whole: Sequence[str], longest: int) -> int:
        """Return the width at which cells of kinds that stay whole do, and of others no word but long ones of texts."""
        if self.kind in whole:
            pieces = [cell_len(text) for text in self.cells]
        else:
            limit = longest if self.kind == "texts" else sys.maxsize
            words = (word for text in self.cells for word in BLANK.split(text))
            pieces = [min(cell_len(piece), limit) for word in words for piece in _pieces(word, limit)]
        return max([1, *pieces, *(cell_len(part) for part in parts(self.heading))])


def fitted(columns: Sequence[Texts], width: int) -> Fit | None:
    """Return the widths of columns that stand side by side in a terminal; None where it is too narrow for them."""
    natural = [column.natural() for column in columns]
    if _total(natural, GAPS[0]) <= width:
        return Fit(natural, GAPS[0])
    for whole, longest in zip(WHOLE, (LONGEST[0], *LONGEST, *LONGEST), strict=True):
        least = [column.least(whole, longest) for column in columns]
        for gap in GAPS:
            room = width - _total(least, gap)
            if room >= 0:
                return Fit(_shared(least, natural, room), gap)
    return None


def parts(heading: str) -> Iterator[str]:
    """Yield the parts of a heading between which a line may end: at blanks, and behind hyphens between letters."""
    yield from (part for word in heading.split() for part in HYPHEN.split(word))


def lines(heading: str, width: int) -> str:
    """Return a heading in lines of a width, broken between its parts."""
    return _filled(([*parts(word)] for word in heading.split()), width)


def wrapped(text: str, width: int) -> str:
    """Return a cell in lines of a width; only words that are wider than it are broken."""
    if cell_len(text) <= width:
        return text
    return _filled((_pieces(word, width) for word in BLANK.split(text)), width)


def _pieces(word: str, longest: int) -> list[str]:
    """Return a word whole where it is not too long, else what it is joined of."""
    return [word] if cell_len(word) <= longest else JOINT.split(word)


def _filled(words: Iterable[Sequence[str]], width: int) -> str:
    """Return words, each in its parts, in lines of a width."""
    found: list[str] = []
    for word in words:
        glue = " "
        for part in word:
            if found and cell_len(found[-1] + glue + part) <= width:
                found[-1] += glue + part
            else:
                found.append(part)
            glue = ""
    return "\n".join(found)


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1) + EDGES


def _shared(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """Share room among columns: those that lack little get all of it, the others equal parts of the rest."""
    widths = list(least)
    lacking = sorted(range(len(least)), key=lambda place: natural[place] - least[place])
    for done, place in enumerate(lacking):
        given = min(natural[place] - least[place], room // (len(lacking) - done))
        widths[place] += max(given, 0)
        room -= max(given, 0)
    return widths
