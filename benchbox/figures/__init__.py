"""Figures of results: each kind is a function from plain data to a matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from benchbox.figures import deltas, grid, lines, pareto

KINDS: dict[str, Callable[[Any], Figure]] = {
    "pareto": pareto.draw,
    "deltas": deltas.draw,
    "joints": grid.draw,
    "categories": grid.draw,
    "curves": lines.draw,
    "pck": lines.draw,
    "oks": lines.draw,
}
"""What draws each kind."""
