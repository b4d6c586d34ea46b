"""Data of every kind of figure, with names that try to be more than names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbox.figures import KINDS, deltas, grid, lines, pareto

HOSTILE = (
    "$x^2$",
    r"$\frac{",
    r"\input{secret}",
    "<script>1</script>",
    "]]>&amp;\"'",
    "_hidden",
    'id="p0" url(#p0)',
    "\u202ereversed",
    "two\nlines\x00",
    "%s {0} 模型",
)
LONG = tuple(f"{'a very long name of an arm, ' * 4}{place}" for place in range(9)) + ("w" * 100, "M" * 100)
WAYS = ("pareto", "deltas", "categories", "pck")
"""A kind for each function that draws."""


def made(kind: str, names: Sequence[str] = ("base", "one", "two"), *, deviation: float | None = None) -> Any:
    """Return the data of a kind for some arms, the first a reference; `deviation` as of several seeds."""
    notes = [f"Left out: {name} (stale)." for name in names[:2]]
    several = 1 if deviation is None else 3
    if kind == "pareto":
        points = [
            pareto.Point(name, 1e5 * (place + 1), 50 + (7 * place) % 5, deviation, several, place == 0)
            for place, name in enumerate(names)
        ]
        return pareto.Pareto(f"Title {names[0]}", "Parameters", [pareto.Panel("PCKh, %", points)] * 2, notes)
    if kind == "deltas":
        found = [
            deltas.Delta(name, 0.5 * place - 1, *((None, None) if place == 1 else (place - 3.0, place)), place == 2)
            for place, name in enumerate(names)
        ]
        return deltas.Deltas(f"Title {names[0]}", [deltas.Panel("PCKh", found), deltas.Panel("AP", found[:2])], notes)
    if kind in ("joints", "categories"):
        values = np.linspace(10, 90, len(names) * 4).reshape(-1, 4)
        values[0, 1] = np.nan
        references = [place == 0 for place in range(len(names))]
        columns = ["all", *(names[:3] if kind == "categories" else ("nose", "left_eye", "left_ankle"))]
        return grid.Grid(f"Title {names[0]}", "PCKh, %", names, references, columns[:4], values, notes)
    x = [place / 10 for place in range(1, 8)]
    found_lines = [
        lines.Line(
            name, x, [50 + place + 10 * one for one in x], deviation and [deviation] * 7, several, reference=place == 0
        )
        for place, name in enumerate(names)
    ]
    return lines.Lines(f"Title {names[0]}", [lines.Panel("Threshold", "PCKh, %", found_lines)], notes)


def drawn(kind: str, names: Sequence[str] = ("base", "one", "two"), *, deviation: float | None = None) -> Any:
    """Return the figure of a kind."""
    return KINDS[kind](made(kind, names, deviation=deviation))
