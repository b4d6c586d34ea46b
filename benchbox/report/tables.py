"""Lay out tables: a study's own, and a paper's with reported beside measured. Pure data; printing is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchbox.papers.read import Paper, PaperColumn, PaperRow, PaperTable
from benchbox.report.frame import ArmRow, Measured, protocols

SCHEMA = 1
METRICS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "PCKh")


@dataclass(frozen=True)
class Heading:
    """A column: its key in the rows' texts, its heading, and whether it holds numbers."""

    key: str
    heading: str
    right: bool = False


@dataclass(frozen=True)
class Layout:
    """A table ready for any format: texts for people, records for programs."""

    title: str
    columns: list[Heading]
    texts: list[dict[str, str]]
    records: list[dict[str, Any]]
    footnotes: list[str]
    missing: int
    meta: dict[str, Any] = field(default_factory=dict)


def study_table(title: str, scale: str, rows: Sequence[ArmRow], counted: Mapping[str, Mapping[str, int]]) -> Layout:
    """Lay out a study: every arm with its costs and whole-set scores, one column per metric and protocol.

    Args: counted: parameters and macs by arm name, which need no training.
    """
    used = protocols(rows)
    scores = [(protocol, metric) for protocol in used for metric in METRICS if _has(rows, protocol, metric)]
    columns = [Heading("arm", "Arm"), Heading("parameters", "#Param", True), Heading("macs", "MACs", True)]
    columns += [Heading(f"{metric} {protocol}", _heading(metric, protocol, used), True) for protocol, metric in scores]
    columns.append(Heading("state", "State"))
    texts, records = [], []
    for row in rows:
        costs = counted[row.arm.name]
        text = {"arm": row.arm.name + (" (reference)" if row.arm.reference else ""), "state": row.state}
        text |= {"parameters": f"{costs['parameters'] / 1e6:.3f}M", "macs": f"{costs['macs'] / 1e6:.1f}M"}
        cells = {}
        for protocol, metric in scores:
            found = row.metrics.get((protocol, metric))
            text[f"{metric} {protocol}"] = _number(found, 1) if found else _absent(row.state)
            cells[f"{metric} {protocol}"] = _cell(found, metric, protocol)
        texts.append(text)
        records.append(_record(row) | {"costs": dict(costs), "cells": cells})
    footnotes = [f"Scale {scale}."] + [f"{', '.join(_of(scores, protocol))}: {protocol}." for protocol in used]
    footnotes += _seed_note(rows) + _stale_note(rows)
    meta = {"schema": SCHEMA, "kind": "study-table", "scale": scale, "protocols": used}
    return Layout(title, columns, texts, records, footnotes, _missing(rows), meta)


def paper_table(
    paper: Paper,
    table: PaperTable,
    scale: str,
    rows: Mapping[str, ArmRow],
    counted: Mapping[str, Mapping[str, int]],
    counted_here: Mapping[str, Mapping[str, int]],
) -> Layout:
    """Lay out one table of a paper: its printed cells, and beside each what was counted or measured.

    Args:
        rows: the study's arms at `scale`, by name.
        counted, counted_here: parameters and macs of each arm at the paper's own scale and at `scale`.
    """
    marks = {key: f"[{number}]" for number, key in enumerate(_errata(table), start=1)}
    used = protocols(rows.values())
    columns = _paper_columns(table, scale)
    texts, records = [], []
    for printed in table.rows:
        row = rows[printed.arm] if printed.arm else None
        text = dict(printed.labels) | {"state": row.state if row else "not run here"}
        cells: dict[str, Any] = {}
        for column in (column for column in table.columns if column.metric):
            note = "".join(marks[key] for key in printed.errata) if column.millions else ""
            cell = _paper_cell(column, printed, row, used, counted, counted_here)
            cells[column.key] = cell
            text[f"{column.key} reported"] = cell["reported"] + note if cell["reported"] else ""
            text |= _measured_texts(column, cell, row)
        texts.append(text)
        records.append(
            {"labels": printed.labels, "arm": printed.arm, "errata": printed.errata}
            | (_record(row) if row else {"state": "not run here"})
            | {"cells": cells}
        )
    footnotes = [f"Reported: {table.about}.", _scale_note(scale, used)]
    footnotes += [f"{mark} {paper.errata[key].strip()}" for key, mark in marks.items()]
    footnotes += _seed_note(list(rows.values())) + _stale_note(list(rows.values()))
    meta = {"schema": SCHEMA, "kind": "paper-table", "paper": paper.name, "table": table.id, "scale": scale}
    title = f"{paper.name}, Table {table.id}: {table.title}"
    return Layout(title, columns, texts, records, footnotes, _missing(list(rows.values())), meta | {"protocols": used})


def _paper_columns(table: PaperTable, scale: str) -> list[Heading]:
    columns = []
    for column in table.columns:
        if not column.metric:
            columns.append(Heading(column.key, column.heading))
            continue
        columns.append(Heading(f"{column.key} reported", f"{column.heading} reported", True))
        if column.millions:
            columns.append(Heading(f"{column.key} counted", f"{column.heading} counted", True))
            if scale != "paper":
                columns.append(Heading(f"{column.key} here", f"{column.heading} at {scale}", True))
        else:
            columns.append(Heading(f"{column.key} measured", f"{column.heading} measured", True))
    return [*columns, Heading("state", "State")]


def _paper_cell(
    column: PaperColumn,
    printed: PaperRow,
    row: ArmRow | None,
    used: Sequence[str],
    counted: Mapping[str, Mapping[str, int]],
    counted_here: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    cell: dict[str, Any] = {"reported": printed.reported.get(column.key, "")}
    if column.millions:
        cell["counted"] = counted[row.arm.name][column.key] if row else None
        return cell | {"metric": column.key, "counted_here": counted_here[row.arm.name][column.key] if row else None}
    protocol = next((name for name in used if row and (name, column.key) in row.metrics), "")
    return cell | _cell(row.metrics.get((protocol, column.key)) if row else None, column.key, protocol)


def _measured_texts(column: PaperColumn, cell: Mapping[str, Any], row: ArmRow | None) -> dict[str, str]:
    state = row.state if row else "not run here"
    if column.millions:
        texts = {f"{column.key} counted": _millions(cell["counted"], column.decimals)}
        return texts | {f"{column.key} here": _millions(cell["counted_here"], column.decimals)}
    if cell["measured"] is None:
        return {f"{column.key} measured": _absent(state)}
    found = Measured(cell["measured"], cell["deviation"], cell["n"])
    return {f"{column.key} measured": _number(found, column.decimals)}


def _cell(found: Measured | None, metric: str, protocol: str) -> dict[str, Any]:
    return {
        "metric": metric,
        "protocol": protocol or None,
        "measured": found.mean if found else None,
        "deviation": found.deviation if found else None,
        "n": found.n if found else 0,
    }


def _record(row: ArmRow) -> dict[str, Any]:
    return {"arm": row.arm.name, "reference": row.arm.reference, "jobs": list(row.arm.jobs), "state": row.state}


def _has(rows: Sequence[ArmRow], protocol: str, metric: str) -> bool:
    return any((protocol, metric) in row.metrics for row in rows)


def _of(scores: Sequence[tuple[str, str]], protocol: str) -> list[str]:
    return [metric for used, metric in scores if used == protocol]


def _heading(metric: str, protocol: str, used: Sequence[str]) -> str:
    kin = [name for name in used if name.split("/")[0] == protocol.split("/")[0]]
    shown = f"PCKh@{protocol.split('/')[0].partition('@')[2]}" if metric == "PCKh" else metric
    return shown if len(kin) == 1 else f"{shown} ({'/'.join(protocol.split('/')[1:])})"


def _errata(table: PaperTable) -> list[str]:
    return list(dict.fromkeys(key for row in table.rows for key in row.errata))


def _missing(rows: Sequence[ArmRow]) -> int:
    return sum(row.state != "done" for row in rows)


def _number(found: Measured, decimals: int) -> str:
    spread = f" ± {found.deviation:.{decimals}f}" if found.deviation is not None else ""
    return f"{found.mean:.{decimals}f}{spread}"


def _millions(count: float | None, decimals: int) -> str:
    return "" if count is None else f"{count / 1e6:.{decimals}f}M"


def _absent(state: str) -> str:
    return state if state not in ("done", "stale") else "–"


def _seed_note(rows: Sequence[ArmRow]) -> list[str]:
    most = max((len(row.arm.jobs) for row in rows), default=1)
    return ["One seed: a difference may be noise."] if most == 1 else [f"Mean ± standard deviation over {most} seeds."]


def _stale_note(rows: Sequence[ArmRow]) -> list[str]:
    if not any(row.state == "stale" for row in rows):
        return []
    return ["stale: made by other code or data than today's; `benchbox run STUDY --stale` makes it anew."]


def _scale_note(scale: str, used: Sequence[str]) -> str:
    if scale == "paper":
        return f"Measured: scale paper{', ' + ', '.join(used) if used else ''}."
    names = f" ({', '.join(used)})" if used else ""
    return (
        f"Measured: scale {scale}{names}, so not comparable with the reported scores; compare the arms with each other."
    )
