"""The look of figures: colours for every eye, signs that stay apart in grey, and text that is only text."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

# Source: Okabe and Ito 2008, Color Universal Design. Differs: without yellow, which is lost on white, and orange, which
# in grey is the light blue; in an order in which neighbours differ in lightness.
COLOURS = ("#000000", "#D55E00", "#56B4E9", "#009E73", "#0072B2", "#CC79A7")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
DISTINCT = len(COLOURS) * len(MARKERS)
"""So many series have a colour and a marker that no other has."""
RULES: Any = {
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "benchbox",
    "svg.fonttype": "none",
    "savefig.bbox": None,
    "savefig.transparent": False,
}
REFERENCE = "(reference)"
TITLE, NAME, NOTE = 76, 32, 128
"""Characters of a line of a title, of an arm's name in a legend, of a footnote."""
NOTE_HEIGHT, NAME_HEIGHT = 0.125, 0.145
"""Inches of a line of a footnote and of a legend."""
WIDE = 10.0
"""Ratio of the largest to the smallest number from which on an axis is logarithmic."""
# What XML cannot hold, and what turns the direction of the text around it.
_UNFIT = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True)
class Look:
    """How a series is drawn: any two neighbours differ in colour, lightness, marker and dashes."""

    colour: str
    marker: str
    dashes: str


def look(index: int) -> Look:
    """Return the look of the series with this number, from 0."""
    return Look(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], DASHES[index % len(DASHES)])


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return the looks of arms by name, in the order of their first appearance."""
    return {name: look(index) for index, name in enumerate(dict.fromkeys(names))}


@contextlib.contextmanager
def rules() -> Iterator[None]:
    """Draw by these rules alone, whatever the user's own matplotlib settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RULES)
        yield


def clean(text: str) -> str:
    """Return one line of text without the characters that could break a file or turn its neighbours around."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))


def wrapped(text: str, width: int, lines: int) -> str:
    """Return text in at most so many lines of so many characters, cut with an ellipsis."""
    return "\n".join(textwrap.wrap(clean(text), width, max_lines=lines, placeholder=" …", break_on_hyphens=False))


def arm_name(name: str, reference: bool, width: int = NAME, lines: int = 3) -> str:
    """Return an arm's name as figures show it, on a few short lines; a reference arm is marked."""
    shown = wrapped(name, width, lines)
    if not reference:
        return shown
    last = shown.rpartition("\n")[2]
    return f"{shown}{' ' if len(last) + len(REFERENCE) < width else chr(10)}{REFERENCE}"


def sheet(title: str, notes: Sequence[str], *, width: float, height: float) -> Figure:
    """Return an empty figure with a title above and footnotes below; width and height (inches) are of its content."""
    below = "\n".join(wrapped(note, int(NOTE * width / 7.5), 40) for note in notes)
    head = wrapped(title, int(TITLE * width / 7.5), 2)
    high = height + NOTE_HEIGHT * (below.count("\n") + 2) + 0.2 * (head.count("\n") + 1)
    figure = Figure(figsize=(width, high), layout=ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.06))
    figure.suptitle(head, x=0.01, ha="left", fontsize=10, fontweight="bold")
    if below:
        figure.supxlabel(below, x=0.01, ha="left", fontsize=6.5)
    return figure


def legend(figure: Figure, entries: Sequence[tuple[Artist, str]]) -> Legend:
    """Put a legend beside the axes, where it can cover nothing."""
    made = figure.legend(
        [artist for artist, _ in entries],
        [f"entry {place}" for place in range(len(entries))],
        loc="outside right center",
        fontsize=7.5,
        handlelength=2.6,
    )
    for text, (_, name) in zip(made.get_texts(), entries, strict=True):
        text.set_text(name)  # not at once: a legend leaves out what begins with _
    return made


def legend_height(names: Iterable[str]) -> float:
    """Return the inches that a legend of these names needs."""
    return sum(NAME_HEIGHT * (name.count("\n") + 1) + 0.05 for name in names) + 0.5


def logarithmic(axis: Axis, spell: Callable[[float, int | None], str]) -> None:
    """Make an axis logarithmic, with numbers at 1, 2 and 5; matplotlib's own would be mathematical text."""
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(spell))


def lightness(colour: str) -> float:
    """Return the CIE lightness L* of a colour "#rrggbb", in [0, 100].

    Source: IEC 61966-2-1 (sRGB) and CIE 15.
    """
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > (6 / 29) ** 3 else luminance * (29 / 3) ** 3
