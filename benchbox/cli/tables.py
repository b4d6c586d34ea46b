"""The verb that prints tables: of a study, or of a paper with reported beside measured."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbox import saved
from benchbox.cli import early
from benchbox.cli.arms import arm_rows, counted, differences
from benchbox.cli.differences import How
from benchbox.cli.early import seeds_of
from benchbox.cli.finished import next_step, scaled
from benchbox.cli.grid import emit_sheets
from benchbox.cli.markup import Column, Look, Sheet
from benchbox.cli.papers import filled_tables, study_of
from benchbox.cli.places import results_words
from benchbox.cli.scores import check_group
from benchbox.console import note
from benchbox.errors import CANNOT_JUDGE, OK
from benchbox.papers import read as papers
from benchbox.papers.words import find_table
from benchbox.plan import Arm
from benchbox.report.layout import SCHEMA, Layout
from benchbox.report.paper import paper_table
from benchbox.report.tables import group_table, study_table
from benchbox.spec import read_study

MANY_PROTOCOLS = 4
"""Protocols above which a table says how to show one: their columns do not stand side by side in a terminal."""


@dataclass(frozen=True)
class Shown:
    """What of a table is shown: scores by a kind of group, some protocols, mixed or not, saved predictions.

    With `compare`, beside the scores stand their differences to the reference arm; `tables` are some of a paper's;
    `seeds`, as typed, stand for a study's own.
    """

    by: str | None
    protocols: Sequence[str]
    mixed: bool
    saved: Sequence[str]
    compare: bool = False
    tables: Sequence[str] = ()
    seeds: str | None = None


def table(
    path: Path | None, paper: str | None, scale: str | None, strict: bool, shown: Shown, results: Path, format: str
) -> int:
    """Print one study's table or all tables of a paper."""
    found = layouts(path, paper, scale, shown, results, wide=format == "csv")
    emit_sheets(format, *sheets(found, paper, shown, format))
    for step in _next_steps(found, scale, shown.seeds, results):
        note(step)
    used = found[0].meta.get("protocols", ())
    if len(used) > MANY_PROTOCOLS and not shown.protocols:
        note(f"scores by {len(used)} protocols; one alone: --protocol {used[0]}")
    return CANNOT_JUDGE if strict and any(layout.missing for layout in found) else OK


def _next_steps(found: Sequence[Layout], asked: str | None, seeds: str | None, results: Path) -> list[str]:
    """Return lines with the commands that fill what waits in tables, or tell why it failed, of each study and scale."""
    states: dict[tuple[Path, str], list[str]] = {}
    for layout in found:
        origin, scale = layout.origin, layout.meta["scale"]
        if "study" in origin:
            states[Path(origin["study"]), scale] = [record["state"] for record in layout.records]
            continue
        table = papers.read(origin["paper"]).table(origin["table"])
        for row, record in zip(table.rows, layout.records, strict=True):
            if row.arm:
                states.setdefault((study_of(table.study_of(row)).path, scale), []).append(record["state"])
    lines = []
    for (path, scale), some in states.items():
        # with nothing there, the table stands at the scale that run would choose
        known = asked or (scale if set(some) - {"pending"} else None)
        step = next_step(path, some, scale=known, results=results, seeds=seeds)
        lines += [f"next: {step}"] if step else []
        if "failed" in some:
            words = ["benchbox", "status", path.as_posix(), "--scale", scale, *(["--seeds", seeds] if seeds else [])]
            lines.append(f"see why some failed: {shlex.join(words + results_words(results))}")
    return lines


def layouts(
    path: Path | None, paper: str | None, scale: str | None, shown: Shown, results: Path, *, wide: bool = False
) -> list[Layout]:
    """Lay out one study's table, or those of a paper that were asked for.

    Args: wide: as for `paper_table`.

    Raises: InvalidInput where what is asked for does not go together, or is not there.
    """
    early.of_table(path, paper, shown.tables, (shown.by, shown.protocols, shown.saved, shown.seeds))
    if path is not None:
        return [study_layout(path, scale, shown, results)]
    return paper_layouts(str(paper), shown, scale, results, wide=wide)


def sheets(
    layouts: Sequence[Layout], paper: str | None, shown: Shown, format: str
) -> tuple[list[Sheet], dict[str, Any]]:
    """Return layouts as they are printed in a format, and what stands around several tables in JSON."""
    several = {"schema": SCHEMA, "kind": "paper-tables", "paper": paper} if paper else {}
    return [sheet(layout, format) for layout in layouts], several


def study_layout(path: Path, asked: str | None, shown: Shown, results: Path) -> Layout:
    """Lay out a study as it was asked for."""
    study = read_study(path)
    scale, arms = scaled(study, asked, results, seeds_of(shown.seeds))
    rows = arm_rows(arms, results, shown.saved)
    by = check_group(shown.by) if shown.by else ""
    asked_how = How(shown.protocols, shown.mixed, ("all", by) if by else ("all",))
    gaps = differences(arms, rows, asked_how, results, shown.saved) if shown.compare else None
    how: dict[str, Any] = {"asked": shown.protocols, "mixed": shown.mixed, "gaps": gaps}
    if by:
        layout = group_table(study.title, scale, rows, by, **how)
    else:
        networks = {name: {key: found[key] for key in ("parameters", "macs")} for name, found in counted(arms).items()}
        layout = study_table(study.title, scale, rows, networks, **how)
    others = _other_persons(arms, shown.saved, results)
    layout = replace(layout, footnotes=[*layout.footnotes, *others])
    origin: dict[str, Any] = {
        "study": path.as_posix(),
        "scale": scale,
        "by": shown.by,
        "protocols": list(shown.protocols),
    }
    origin |= {"mixed": shown.mixed, "saved": list(shown.saved), "compare": shown.compare}
    return replace(layout, origin=origin | ({"seeds": shown.seeds} if shown.seeds else {}))


def _other_persons(arms: Sequence[Arm], names: Sequence[str], results: Path) -> list[str]:
    """Say which saved predictions are for other data sets than the arms'."""
    sets = {arm.config.dataset.name for arm in arms}
    notes = []
    for name in names:
        theirs = saved.find(results, name)
        if theirs.data_set() not in sets:
            notes.append(
                f"{name}: of {theirs.read()['dataset']}, other persons than the arms' ({', '.join(sorted(sets))})."
            )
    return notes


def paper_layouts(name: str, shown: Shown, asked: str | None, results: Path, *, wide: bool = False) -> list[Layout]:
    """Lay out tables of a paper, all when none is named; `wide` as for `paper_table`."""
    paper = papers.read(name)
    tables = [find_table(paper, name) for name in shown.tables] or paper.tables
    layouts = []
    for filled in filled_tables(paper, tables, asked, results, mixed=shown.mixed, compare=shown.compare):
        layout = paper_table(filled, wide=wide)
        origin: dict[str, Any] = {"paper": name, "table": filled.table.id, "scale": filled.scale}
        origin |= {"mixed": shown.mixed, "compare": shown.compare}
        layouts.append(replace(layout, origin=origin))
    return layouts


def sheet(layout: Layout, format: str) -> Sheet:
    """Return a layout as it is printed in a format."""
    shown = [column for column in layout.columns if format == "csv" or not column.detail]
    comment = layout.origin and {
        "columns": [column.key for column in shown],
        "origin": layout.origin,
        "rows": fingerprint(layout),
    }
    return Sheet(
        layout.title,
        [Column(column.key, column.heading, column.right) for column in shown],
        layout.records if format == "json" else layout.texts,
        layout.meta,
        layout.footnotes,
        Look(layout.looks, layout.rules, layout.keys, comment, layout.marks, _narrower(layout)),
    )


def _narrower(layout: Layout) -> str:
    """Say which option leaves out columns."""
    if layout.meta["kind"] == "study-table" and len(layout.meta["protocols"]) > 1:
        return "--protocol leaves out the columns of others"
    return "without --compare there are fewer columns" if layout.origin.get("compare") else ""


def fingerprint(layout: Layout) -> str:
    """Return a hash of the rows behind a table: jobs, states, and every number in full."""
    text = json.dumps(layout.records, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
