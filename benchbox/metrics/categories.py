"""The activity columns of mrn-attention's Table 2: which persons of MPII enter which column."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Column:
    """Select persons by MPII's names of what they do.

    Args:
        name: heading of the column.
        persons: how many of the 2,958 validation persons it selects.
        category: MPII's category; any where empty.
        begins: beginnings of MPII's activity, one of which it must have; any where empty.
        excluded: beginnings that it must not have.
    """

    name: str
    persons: int
    category: str = ""
    begins: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def holds(self, category: str, activity: str) -> bool:
        """Tell whether a person of this category and activity is in the column."""
        return (
            self.category in ("", category)
            and (not self.begins or activity.startswith(self.begins))
            and not activity.startswith(self.excluded)
        )


def columns_of(category: str, activity: str) -> list[str]:
    """Return the names of the columns that a person is in, in the order of the table; most persons are in none.

    Args:
        category: MPII's category, e.g. "winter activities".
        activity: MPII's activity, e.g. "skiing, downhill".

    Source: mrn-attention, Table 2, for the names. Differs: the paper does not tell its rule; ours stands in
    mrn_columns.toml.
    """
    return [column.name for column in COLUMNS if column.holds(category, activity)]


def groups_of(named: Sequence[str], activities: Sequence[str | None], skeleton: str) -> dict[str, list[int]]:
    """Return the persons of each category and, of MPII's joints, of each of the columns, by the name of the group.

    Args: named, activities: of each person, empty where there is none.
    """
    found: dict[str, list[int]] = {f"category:{name}": [] for name in sorted(set(named) - {""})}
    for index, name in enumerate(named):
        if name:
            found[f"category:{name}"].append(index)
    if skeleton != "mpii16":
        return found
    nine: dict[str, list[int]] = {f"activity:{column.name}": [] for column in COLUMNS}
    for index, (category, activity) in enumerate(zip(named, activities, strict=True)):
        for name in columns_of(category, activity or ""):
            nine[f"activity:{name}"].append(index)
    return found | {name: members for name, members in nine.items() if members}


def _read() -> tuple[Column, ...]:
    text = resources.files("benchbox.metrics").joinpath("mrn_columns.toml").read_text(encoding="utf-8")
    return tuple(
        Column(
            name=entry["name"],
            persons=entry["persons"],
            category=entry.get("category", ""),
            begins=tuple(entry.get("begins", ())),
            excluded=tuple(entry.get("not", ())),
        )
        for entry in tomllib.loads(text)["columns"]
    )


COLUMNS = _read()
"""The nine columns in the order of the table."""
