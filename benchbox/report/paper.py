"""Lay out a table of a paper: its printed cells, beside each what was counted or measured, and what to think of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchbox.papers.read import PaperColumn, PaperRow, PaperTable
from benchbox.report import verdict
from benchbox.report.cells import Cell, Filled
from benchbox.report.differences import FIELDS
from benchbox.report.frame import ArmRow, protocols
from benchbox.report.layout import (
    SCHEMA,
    Heading,
    Layout,
    ScoreColumn,
    absent,
    cell,
    head,
    notes_on,
    ranks,
    record,
    used_notes,
)
from benchbox.report.marks import Note

NOT_RUN = "not run here"
KINDS = {"reported": ("reported",), "measured": ("measured", "counted"), "- reference": ("difference",)}
"""The lines of a row where they stand one below the other, and which columns are their numbers."""
STACKED_FROM = 4
"""Score columns from which the measured numbers stand below the reported ones, not beside them."""


def paper_table(filled: Filled, *, wide: bool = False) -> Layout:
    """Lay out one table of a paper.

    Args: wide: measured numbers beside the reported ones, however many columns there are.
    """
    layout = _beside(filled)
    return layout if wide or len(filled.scores) < STACKED_FROM else _stacked(filled, layout)


def _beside(filled: Filled) -> Layout:
    table, scale = filled.table, filled.scale
    marks = filled.marks()
    decimals = {column.key: _decimals(table, column) for column in table.columns if column.metric}
    wrong = filled.wrong()
    texts, records = [], []
    marked: list[dict[str, Sequence[str]]] = []
    for printed in table.rows:
        labels = {column.key: table.text(printed, column) for column in table.columns if not column.metric}
        arm = next((one.row for (row, _), one in filled.cells.items() if row == printed.key), None)
        text, cells, noted = labels | {"state": arm.state if arm else NOT_RUN}, {}, dict[str, None]()
        raised: dict[str, Sequence[str]] = {}
        for column in (column for column in table.columns if column.metric):
            one = filled.cells[printed.key, column.key]
            errata = [key for key in marks if one.address in wrong[key]]
            noted |= dict.fromkeys(errata)
            scores = filled.scores.get(column.key)
            text |= {f"{column.key} reported": one.reported}
            text |= _texts(column, one, scores, decimals[column.key]) | _gap_text(filled, printed, column, one)
            raised[f"{column.key} reported"] = [marks[key] for key in errata if marks[key]]
            raised[f"{column.key} measured"] = scores.marks(one.row) if scores and one.row else []
            cells[column.key] = _record(column, one)
        texts.append(text)
        marked.append(raised)
        identity = record(arm) if arm else {"state": NOT_RUN}
        records.append({"labels": labels, "arm": printed.arm or None, "errata": list(noted)} | identity)
        records[-1] |= {"key": printed.key, "cells": cells}
    meta = {"schema": SCHEMA, "kind": "paper-table", "paper": filled.paper.name, "table": table.id, "scale": scale}
    return Layout(
        f"{filled.paper.name}, Table {table.id}: {table.title}",
        _headings(table, scale, bool(filled.gaps)),
        texts,
        records,
        _footnotes(filled, marks),
        sum(one.missing for one in filled.cells.values()),
        meta | {"protocols": protocols(filled.arms)},
        [row.key for row in table.rows],
        _looks(filled, decimals),
        [place for place in range(1, len(table.rows)) if table.rows[place].group != table.rows[place - 1].group],
        marked,
    )


def _stacked(filled: Filled, layout: Layout) -> Layout:
    """Put the measured numbers below the reported ones, so that the columns are those that are printed."""
    table = filled.table
    columns = [Heading(column.key, column.heading, bool(column.metric)) for column in table.columns]
    columns.insert(sum(not column.metric for column in table.columns), Heading("kind", ""))
    texts: list[dict[str, str]] = []
    looks, keys, starts = [], [], []
    marks: list[dict[str, Sequence[str]]] = []
    for place, row in enumerate(table.rows):
        starts.append(len(texts))
        text, look, raised = layout.texts[place], layout.looks[place], layout.marks[place]
        for kind, words in KINDS.items():
            found = {
                column.key: f"{column.key} {word}"
                for column in table.columns
                for word in words
                if column.metric
                if f"{column.key} {word}" in text
            }
            if kind == "reported" or (row.arm and found):
                labels = {column.key: text[column.key] for column in table.columns if not column.metric}
                shown = {key: text[name] for key, name in found.items()} | {"kind": kind}
                texts.append(shown | (labels if kind == "reported" else {}))
                looks.append({key: look.get(name, "") for key, name in found.items()})
                marks.append({key: raised.get(name, ()) for key, name in found.items()})
                keys.append(f"{row.key} {kind}")
        texts[-1 if not filled.gaps or not row.arm else -2]["state"] = text["state"]
    rules = [starts[place] for place in layout.rules]
    columns.append(Heading("state", "State"))
    return replace(layout, columns=columns, texts=texts, looks=looks, keys=keys, rules=rules, marks=marks)


def _footnotes(filled: Filled, marks: Mapping[str, str]) -> list[str | Note]:
    shown = [column for column in filled.scores.values() if column]
    notes: list[str | Note] = [f"Reported: {filled.table.about}.", _scale_note(filled.scale, shown)]
    wrong = [one for one in filled.paper.errata if one.key in marks]
    notes += [Note(one.text.strip(), marks[one.key]) if marks[one.key] else one.text.strip() for one in wrong]
    notes += used_notes(shown) if any(column.mixed for column in shown) else []
    notes += [note for gaps in filled.gaps.values() for note in gaps.footnotes()]
    seeds = notes_on(filled.arms, compared=bool(filled.gaps))
    return list(dict.fromkeys([*notes, *_left_out(filled.arms, shown), *_verdict_notes(filled), *seeds]))


def _headings(table: PaperTable, scale: str, compared: bool) -> list[Heading]:
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
            columns += [Heading(f"{column.key} difference", "- reference", True)] if compared else []
        columns.append(Heading(f"{column.key} verdict", f"{column.heading} verdict", detail=True))
    return [*columns, Heading("state", "State")]


def _texts(column: PaperColumn, one: Cell, scores: ScoreColumn | None, decimals: int) -> dict[str, str]:
    said = {f"{column.key} verdict": one.verdict.text if one.verdict else ""}
    sign = f" {verdict.MARKS[one.verdict.word]}" if one.verdict and one.verdict.word in verdict.MARKS else ""
    if column.counted:
        here = _number(column, one.here)
        return said | {f"{column.key} counted": _number(column, one.counted) + sign, f"{column.key} here": here}
    if one.row is None:
        return said | {f"{column.key} measured": NOT_RUN}
    text = scores.text(one.row, decimals) if scores else absent(one.row.state)
    seeds = f" (n {one.measured.n})" if one.measured and one.measured.n > 1 else ""
    return said | {f"{column.key} measured": text + seeds + sign}


def _gap_text(filled: Filled, row: PaperRow, column: PaperColumn, one: Cell) -> dict[str, str]:
    gaps = filled.gaps.get(filled.table.study_of(row))
    return {f"{column.key} difference": gaps.text(one.gap)} if gaps and not column.counted else {}


def _record(column: PaperColumn, one: Cell) -> dict[str, Any]:
    word, why = (one.verdict.word, one.verdict.why or None) if one.verdict else (None, None)
    judged = {"reported": one.reported, "verdict": word, "why": why}
    if column.counted:
        return {"counted": one.counted, "metric": column.metric, "counted_here": one.here} | judged
    gap = {"against_reference": {name: one.gap[name] for name in FIELDS}} if one.gap else {}
    return cell(one.measured, column.metric, one.protocol) | judged | gap


def _decimals(table: PaperTable, column: PaperColumn) -> int:
    printed = [table.text(row, column).partition(".")[2] for row in table.rows]
    return max(len(text.removesuffix("M")) for text in printed)


def _looks(filled: Filled, decimals: Mapping[str, int]) -> list[dict[str, str]]:
    """Say which reported and which measured scores are best and second among those that may be compared."""
    looks: list[dict[str, str]] = [{} for _ in filled.table.rows]
    for key, scores in filled.scores.items():
        reported, measured = {}, {}
        for place, row in enumerate(filled.table.rows):
            one = filled.cells[row.key, key]
            if one.reported not in ("", "-") and not row.not_comparable:
                reported[place] = float(one.reported)
            if one.measured and one.row and one.row.state in ("done", "saved") and scores and not scores.mixed:
                measured[place] = round(one.measured.mean, decimals[key])
        for kind, values in (("reported", reported), ("measured", measured)):
            for place, word in ranks(values).items():
                looks[place][f"{key} {kind}"] = word
    return looks


def _number(column: PaperColumn, count: float | None) -> str:
    if count is None:
        return ""
    return f"{count:.2f}" if column.metric == "field_gflops" else f"{count / 1e6:.3f}M"


def _left_out(arms: Sequence[ArmRow], columns: Sequence[ScoreColumn]) -> list[str]:
    """Say so where an arm's score is not shown because another protocol made it."""
    for column in columns:
        for row in arms:
            others = any(
                (metric, group) == (column.metric, column.group) and head(name) == head(column.protocols[0])
                for name, metric, group in row.scores
            )
            if others and column.of(row)[1] is None:
                return [f"–: {row.arm.name} was scored by another protocol than {column.protocols[0]}; "
                        "--mixed-protocols shows it, with a note."]  # fmt: skip
    return []


def _verdict_notes(filled: Filled) -> list[str]:
    """Count the verdicts, explain their signs, and where the scale allows some say why others are not possible."""
    said = [one.verdict for one in filled.cells.values() if one.verdict]
    words = Counter(one.word for one in said)
    notes = [f"Verdicts: {', '.join(f'{count} {word}' for word, count in sorted(words.items()))}."]
    signs = [f"{sign} {word}" for word, sign in verdict.MARKS.items() if words[word]]
    notes += [f"{', '.join(signs)}."] if signs else []
    if filled.scale == "paper":
        reasons = [one.verdict.why for one in filled.cells.values() if one.verdict and one.measured]
        notes += [f"Not comparable: {why}." for why in dict.fromkeys(reasons) if why]
    return notes


def _scale_note(scale: str, columns: Sequence[ScoreColumn]) -> str:
    used = list(dict.fromkeys(name for column in columns for name in column.protocols))
    names = f" ({', '.join(used)})" if used else ""
    if scale == "paper":
        return f"Measured: scale paper{names}."
    return (
        f"Measured: scale {scale}{names}, so not comparable with the reported scores; compare the arms with each other."
    )
