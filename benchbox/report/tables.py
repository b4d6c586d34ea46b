"""Lay out a study: its arms with their scores, and one score by joint, pair of joints, category or activity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchbox.errors import CannotJudge
from benchbox.report.differences import Differences
from benchbox.report.frame import ArmRow, protocols
from benchbox.report.layout import (
    SCHEMA,
    Heading,
    Layout,
    ScoreColumn,
    cell,
    chosen,
    heading,
    missing,
    notes_on,
    record,
    score_columns,
    used_notes,
)
from benchbox.report.marks import Note

PRIMARY = ("PCKh", "PCK", "AP")
"""Metrics that a table by group shows, the first that there is."""


def study_table(
    title: str,
    scale: str,
    rows: Sequence[ArmRow],
    counted: Mapping[str, Mapping[str, int | float]],
    *,
    asked: Sequence[str] = (),
    mixed: bool = False,
    gaps: Differences | None = None,
) -> Layout:
    """Lay out a study: every arm with its costs and whole-set scores, one column per metric and protocol.

    Args:
        counted: parameters and macs by arm name, which need no training.
        asked: protocols to show, all when empty.
        mixed: let scores of different protocols share a column, with footnotes.
        gaps: differences to the reference arm, to stand beside the scores.
    """
    used = chosen(protocols(rows), asked)
    scores = score_columns(rows, used, mixed=mixed)
    columns = [Heading("arm", "Arm"), Heading("parameters", "#Param", True), Heading("macs", "MACs", True)]
    columns += _headings([(column, _heading(column, used)) for column in scores], gaps)
    columns.append(Heading("state", "State"))
    texts, records = [], []
    for row in rows:
        costs = counted.get(row.arm.name)
        text = {"arm": _name(row), "state": row.state}
        text["parameters"] = f"{costs['parameters'] / 1e6:.3f}M" if costs else "–"
        text["macs"] = f"{costs['macs'] / 1e6:.1f}M" if costs else "–"
        texts.append(text | _texts(row, scores, gaps))
        cells = {column.key: column.cell(row) | (gaps.cell(row, column) if gaps else {}) for column in scores}
        records.append(record(row) | {"costs": dict(costs) if costs else None, "cells": cells})
    footnotes: list[str | Note] = [f"Scale {scale}.", *used_notes(scores), *_notes(rows, gaps)]
    meta = {"schema": SCHEMA, "kind": "study-table", "scale": scale, "protocols": used}
    return Layout(
        title, columns, texts, records, footnotes, missing(rows), meta,
        [row.arm.name for row in rows], marks=_marks(rows, scores),
    )  # fmt: skip


def group_table(
    title: str,
    scale: str,
    rows: Sequence[ArmRow],
    by: str,
    *,
    asked: Sequence[str] = (),
    mixed: bool = False,
    gaps: Differences | None = None,
) -> Layout:
    """Lay out one score of a study by joint, pair, category or activity, with how many each column counts.

    Args: by: joint, pair, category or activity. asked, mixed, gaps: as for `study_table`.

    Raises: CannotJudge where no arm has such scores.
    """
    used = chosen(protocols(rows), asked)
    kinds = {(name, metric) for row in rows for name, metric, group in row.scores if group.startswith(f"{by}:")}
    ranked = [(name, metric) for metric in PRIMARY for name in used if (name, metric) in kinds]
    if not ranked:
        more = _instead(rows) or (" so far" if missing(rows) else "")
        raise CannotJudge(f"{title}: no scores by {by}; finished arms have none{more}")
    first, metric = ranked[0]
    names = tuple(name for name, one in ranked if one == metric and _kin(name, first)) if mixed else (first,)
    groups = dict.fromkeys(
        group
        for row in rows
        for name, one, group in row.scores
        if name in names and one == metric and group.startswith(f"{by}:")
    )
    scores = [ScoreColumn(metric, names, group) for group in ("all", *groups)]
    counted = [{one.key: _counted_cell(row, one) for one in scores} for row in rows]
    counts = {one.group: _range(cells[one.key]["counted"] for cells in counted) for one in scores}
    headings = [(scores[0], heading(metric, first, (first,)))]
    headings += [(one, f"{one.group.partition(':')[2]} (n {counts[one.group]})") for one in scores[1:]]
    columns = [Heading("arm", "Arm"), *_headings(headings, gaps), Heading("state", "State")]
    texts = [{"arm": _name(row), "state": row.state} | _texts(row, scores, gaps) for row in rows]
    records: list[dict[str, Any]] = []
    for row, cells in zip(rows, counted, strict=True):
        extra = {one.key: gaps.cell(row, one) if gaps else {} for one in scores}
        records.append(record(row) | {"cells": {key: cell | extra[key] for key, cell in cells.items()}})
    what = "persons" if by in ("category", "activity") else "labelled joints"
    footnotes: list[str | Note] = [f"Scale {scale}.", f"n: {what}.", *used_notes(scores[:1])]
    footnotes += [*_others(rows, names, metric, by), *_notes(rows, gaps)]
    meta = {"schema": SCHEMA, "kind": "group-table", "by": by, "scale": scale, "protocols": list(names)}
    return Layout(
        f"{title}, by {by}", columns, texts, records, footnotes, missing(rows), meta,
        [row.arm.name for row in rows], marks=_marks(rows, scores),
    )  # fmt: skip


def _instead(rows: Sequence[ArmRow]) -> str:
    kinds = sorted({group.partition(":")[0] for row in rows for _, _, group in row.scores if ":" in group})
    return f"; they have them by {', '.join(kinds)}" if kinds else ""


def _others(rows: Sequence[ArmRow], names: Sequence[str], metric: str, by: str) -> list[str]:
    """Say which arms have such scores by other protocols than those that are shown."""
    found: dict[str, list[str]] = {}
    for row in rows:
        theirs = [name for name, one, group in row.scores if one == metric and group.startswith(f"{by}:")]
        if theirs and not set(theirs) & set(names):
            found.setdefault(theirs[0], []).append(row.arm.name)
    return [
        f"{', '.join(arms)}: not shown, by {name}; --mixed-protocols, or --protocol {name}, does."
        for name, arms in found.items()
    ]


def _headings(columns: Sequence[tuple[ScoreColumn, str]], gaps: Differences | None) -> list[Heading]:
    return gaps.headings(columns) if gaps else [Heading(column.key, text, True) for column, text in columns]


def _texts(row: ArmRow, columns: Sequence[ScoreColumn], gaps: Differences | None) -> dict[str, str]:
    return {column.key: column.text(row) for column in columns} | (gaps.texts(row, columns) if gaps else {})


def _marks(rows: Sequence[ArmRow], columns: Sequence[ScoreColumn]) -> list[dict[str, Sequence[str]]]:
    return [{column.key: column.marks(row) for column in columns} for row in rows]


def _notes(rows: Sequence[ArmRow], gaps: Differences | None) -> list[str]:
    return [*(gaps.footnotes() if gaps else []), *notes_on(rows, compared=bool(gaps))]


def _kin(name: str, other: str) -> bool:
    return name.split("/")[0] == other.split("/")[0]


def _counted_cell(row: ArmRow, column: ScoreColumn) -> dict[str, Any]:
    protocol, found = column.of(row)
    return cell(found, column.metric, protocol) | {"counted": found.counted if found else None}


def _range(counts: Iterable[int | None]) -> str:
    found = sorted({count for count in counts if count is not None})
    return "–".join(str(count) for count in (found if len(found) < 2 else (found[0], found[-1])))


def _heading(column: ScoreColumn, used: Sequence[str]) -> str:
    if column.mixed:
        return heading(column.metric, column.protocols[0], column.protocols[:1])
    return heading(column.metric, column.protocols[0], used)


def _name(row: ArmRow) -> str:
    return row.arm.name + (" (reference)" if row.arm.reference else "")
