"""What stands beside a score: the difference to the reference arm, its interval, and a mark where it is no noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbox.report.frame import ArmRow
from benchbox.report.layout import Heading, ScoreColumn
from benchbox.stats.holm import by_family, family

SHOWN = ("AP", "PCKh", "PCK")
"""Metrics whose differences are shown in texts; programs get all."""
FIELDS = ("difference", "low", "high", "p", "p_holm", "seeds", "persons", "images", "kind")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Differences:
    """The differences of a table.

    Args:
        found: by arm, then by protocol, metric and group: the fields of `stats.compare.Comparison`, p_holm over the
            arms, see `gathered`.
        confidence: of the intervals.
        notes: footnotes on methods and on arms that could not be compared.
    """

    found: Mapping[str, Mapping[Key, Mapping[str, Any]]]
    confidence: float
    notes: Sequence[str]

    def headings(self, columns: Sequence[tuple[ScoreColumn, str]]) -> list[Heading]:
        """Return score columns with their headings, each followed by one of differences where it has any."""
        found = []
        for column, text in columns:
            found.append(Heading(column.key, text, True))
            if column.metric in SHOWN:
                found.append(Heading(f"{column.key} difference", "- reference", True))
        return found

    def texts(self, row: ArmRow, columns: Sequence[ScoreColumn]) -> dict[str, str]:
        """Return the differences of a row as people read them."""
        return {
            f"{column.key} difference": self.text(self.of(row, column)) for column in columns if column.metric in SHOWN
        }

    def cell(self, row: ArmRow, column: ScoreColumn) -> dict[str, Any]:
        """Return the difference of a cell as programs read it, None where there is none."""
        one = self.of(row, column)
        return {"against_reference": {name: one[name] for name in FIELDS} if one else None}

    def of(self, row: ArmRow, column: ScoreColumn) -> Mapping[str, Any] | None:
        """Return the comparison of a cell with the reference arm's."""
        return self.found.get(row.arm.name, {}).get((column.of(row)[0], column.metric, column.group))

    def footnotes(self) -> list[str]:
        """Say what the differences are and what marks them."""
        level = f"{100 * self.confidence:g} %"
        return [
            f"- reference: points more than the reference arm's on the same persons, with the {level} interval. "
            f"*: p is below {1 - self.confidence:.2g} after Holm's adjustment over the arms and columns of the "
            "same protocol, metric and kind of group.",
            *self.notes,
        ]

    def text(self, one: Mapping[str, Any] | None) -> str:
        """Spell one difference as people read it."""
        if one is None:
            return ""
        mark = "*" if one["p_holm"] is not None and one["p_holm"] < 1 - self.confidence else ""
        if one["low"] is None:
            return f"{one['difference']:+.1f}{mark}"
        return f"{one['difference']:+.1f} [{one['low']:+.1f}, {one['high']:+.1f}]{mark}"


def gathered(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], *, confidence: float, notes: Sequence[str]
) -> Differences:
    """Return the differences of a table, adjusted over the arms of each protocol's `holm.family`.

    Args: rows: by arm, its comparisons with the reference arm.
    """
    pairs = [(arm, row) for arm, some in rows.items() for row in some]
    p = np.array([np.nan if row["p"] is None else row["p"] for _, row in pairs])
    adjusted = by_family(p, [(row["protocol"], *family(row["metric"], row["group"])) for _, row in pairs])
    found: dict[str, dict[Key, Mapping[str, Any]]] = {}
    for (arm, row), one in zip(pairs, adjusted.tolist(), strict=True):
        for protocol in row["protocol"].split(" | "):
            key = (protocol, row["metric"], row["group"])
            found.setdefault(arm, {})[key] = {**row, "p_holm": None if np.isnan(one) else one}
    return Differences(found, confidence, list(dict.fromkeys(notes)))
