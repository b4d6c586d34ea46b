"""Lay out a table of a paper: its printed cells, and beside each what was counted or measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchbox.papers.read import Erratum, Paper, PaperColumn, PaperTable
from benchbox.report.frame import ArmRow, protocols
from benchbox.report.layout import (
    SCHEMA,
    Heading,
    Layout,
    ScoreColumn,
    absent,
    cell,
    missing,
    notes_on,
    record,
    used_notes,
)

Counts = Mapping[str, Mapping[str, int]]
NOT_RUN = "not run here"


def paper_table(
    paper: Paper,
    table: PaperTable,
    scale: str,
    rows: Mapping[str, ArmRow],
    counted: Counts,
    counted_here: Counts,
    *,
    mixed: bool = False,
) -> Layout:
    """Lay out one table of a paper.

    Args:
        rows: the study's arms at `scale`, by name.
        counted, counted_here: parameters and macs of each arm at the paper's own scale and at `scale`.
        mixed: let scores of different protocols share a column, with footnotes.
    """
    marks = {one.key: f"[{number}]" for number, one in enumerate(_errata(paper, table), start=1)}
    arms = list(rows.values())
    scores = {
        column.key: _score_column(column, arms, mixed)
        for column in table.columns
        if column.metric and not column.counted
    }
    texts, records = [], []
    for printed in table.rows:
        row = rows.get(printed.arm)
        labels = {one.key: table.text(printed, one) for one in table.columns if not one.metric}
        text = labels | {"state": row.state if row else NOT_RUN}
        cells: dict[str, Any] = {}
        for column in (column for column in table.columns if column.metric):
            reported = table.text(printed, column)
            address = f"{table.id}/{printed.key}/{column.key}"
            note = "".join(marks[one.key] for one in _errata(paper, table) if one.on(address))
            if column.counted:
                cells[column.key] = _count_cell(column, row, counted, counted_here)
                text |= _count_texts(column, cells[column.key])
            else:
                cells[column.key] = _score_cell(column, row, scores[column.key])
                text[f"{column.key} measured"] = _score_text(column, row, scores[column.key])
            cells[column.key]["reported"] = reported
            text[f"{column.key} reported"] = reported + note if reported else ""
        texts.append(text)
        identity = record(row) if row else {"state": NOT_RUN}
        records.append({"labels": labels, "arm": printed.arm or None} | identity | {"cells": cells})
    shown = [column for column in scores.values() if column]
    footnotes = [f"Reported: {table.about}.", _scale_note(scale, shown)]
    footnotes += [f"{marks[one.key]} {one.text.strip()}" for one in _errata(paper, table)]
    footnotes += (used_notes(shown) if any(column.mixed for column in shown) else []) + _left_out(arms, shown)
    footnotes += notes_on(arms)
    meta = {"schema": SCHEMA, "kind": "paper-table", "paper": paper.name, "table": table.id, "scale": scale}
    meta["protocols"] = protocols(arms)
    title = f"{paper.name}, Table {table.id}: {table.title}"
    return Layout(title, _headings(table, scale), texts, records, footnotes, missing(arms), meta)


def _headings(table: PaperTable, scale: str) -> list[Heading]:
    columns = []
    for column in table.columns:
        if not column.metric:
            columns.append(Heading(column.key, column.heading))
            continue
        columns.append(Heading(f"{column.key} reported", f"{column.heading} reported", True))
        if column.counted:
            columns.append(Heading(f"{column.key} counted", f"{column.heading} counted", True))
            if scale != "paper":
                columns.append(Heading(f"{column.key} here", f"{column.heading} at {scale}", True))
        else:
            columns.append(Heading(f"{column.key} measured", f"{column.heading} measured", True))
    return [*columns, Heading("state", "State")]


def _score_column(column: PaperColumn, arms: Sequence[ArmRow], mixed: bool) -> ScoreColumn | None:
    """Return whose scores stand in a column: one protocol's, the first that any arm has, unless they are mixed."""
    ordered = sorted(arms, key=lambda row: not row.arm.reference)
    names = tuple(
        dict.fromkeys(
            name for row in ordered for name, one, group in row.scores if one == column.metric and group == column.group
        )
    )
    return ScoreColumn(column.metric, names if mixed else names[:1], column.group) if names else None


def _score_cell(column: PaperColumn, row: ArmRow | None, scores: ScoreColumn | None) -> dict[str, Any]:
    return scores.cell(row) if row and scores else cell(None, column.metric, "")


def _score_text(column: PaperColumn, row: ArmRow | None, scores: ScoreColumn | None) -> str:
    if row is None:
        return NOT_RUN
    return scores.text(row, 1) if scores else absent(row.state)


def _count_cell(column: PaperColumn, row: ArmRow | None, counted: Counts, here: Counts) -> dict[str, Any]:
    return {
        "counted": counted[row.arm.name][column.metric] if row else None,
        "metric": column.metric,
        "counted_here": here[row.arm.name][column.metric] if row else None,
    }


def _count_texts(column: PaperColumn, counts: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{column.key} counted": _millions(counts["counted"], 3),
        f"{column.key} here": _millions(counts["counted_here"], 3),
    }


def _millions(count: float | None, decimals: int) -> str:
    return "" if count is None else f"{count / 1e6:.{decimals}f}M"


def _errata(paper: Paper, table: PaperTable) -> list[Erratum]:
    inside = [address for address in paper.addresses() if address.startswith(f"{table.id}/")]
    return [one for one in paper.errata if any(one.on(address) for address in inside)]


def _left_out(arms: Sequence[ArmRow], columns: Sequence[ScoreColumn]) -> list[str]:
    """Say so where an arm's score is not shown because another protocol made it."""
    for column in columns:
        for row in arms:
            others = any(metric == column.metric and group == "all" for _, metric, group in row.scores)
            if others and column.of(row)[1] is None:
                return [f"–: {row.arm.name} was scored by another protocol than {column.protocols[0]}; "
                        "--mixed-protocols shows it, with a note."]  # fmt: skip
    return []


def _scale_note(scale: str, columns: Sequence[ScoreColumn]) -> str:
    used = list(dict.fromkeys(name for column in columns for name in column.protocols))
    names = f" ({', '.join(used)})" if used else ""
    if scale == "paper":
        return f"Measured: scale paper{names}."
    return (
        f"Measured: scale {scale}{names}, so not comparable with the reported scores; compare the arms with each other."
    )
