"""The verb that says what is behind a cell of a table: runs, seeds, commits, protocol and commands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchbox import store
from benchbox.cli import folders
from benchbox.cli.arms import arm_rows, counted
from benchbox.cli.early import seeds_of
from benchbox.cli.finished import scaled
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.papers import filled_tables, study_of
from benchbox.cli.places import results_words
from benchbox.cli.scores import N
from benchbox.errors import OK, InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.papers import read as papers
from benchbox.papers.read import COUNTED
from benchbox.papers.words import find_column, find_row, find_table
from benchbox.plan import Arm, expand
from benchbox.report.frame import protocols
from benchbox.report.layout import heading, score_columns
from benchbox.report.tables import PRIMARY
from benchbox.spec import Study, read_study


@dataclass(frozen=True)
class Asked:
    """A cell: where it stands, what answers it (no study where nothing does), and what else is known of it."""

    title: str
    study: Study | None
    scale: str
    arm: str
    metric: str
    group: str = "all"
    protocol: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def explain(
    table: str,
    row: str,
    column: str,
    *,
    paper: str | None,
    scale: str | None,
    seeds: str | None = None,
    results: Path,
    format: str,
) -> int:
    """Print what is behind one cell; seeds: as typed, of a study's arm, its own when None."""
    if paper:
        asked = _of_paper(paper, table, row, column, scale, results)
    else:
        asked = _of_study(table, row, column, scale, seeds, results)
    whole = expand(asked.study, asked.scale, seeds_of(seeds)) if asked.study else []
    arms = [arm for arm in whole if arm.name == asked.arm]
    rows = _runs(arms, asked, results)
    commands = _commands(asked, rows, seeds, results) if asked.study else []
    facts = asked.facts | _mean(rows) | _facts(asked, arms)
    meta = {"schema": 1, "kind": "explain", "scale": asked.scale, "metric": asked.metric, "group": asked.group}
    meta |= {"arm": asked.arm or None, "protocol": asked.protocol or None, "facts": facts, "commands": commands}
    notes = [f"{name}: {text}" for name, text in facts.items()] + [f"$ {command}" for command in commands]
    notes[:0] = [N] if any(row["n"] for row in rows) else []
    emit(format, asked.title, _columns(asked), rows, meta, notes)
    return OK


def _of_paper(name: str, table: str, row: str, column: str, scale: str | None, results: Path) -> Asked:
    paper = papers.read(name)
    one = find_table(paper, table)
    line, place = find_row(one, row), find_column(one, column)
    title = f"{name}, Table {one.id}: {line.key}, {place.heading}"
    facts = {"Printed": " | ".join(line.printed)}
    if not place.metric:
        numbers = ", ".join(column.heading for column in one.columns if column.metric)
        raise InvalidInput(f"{title}: a label, not a number; known: {numbers}")
    (filled,) = filled_tables(paper, [one], scale, results)
    cell = filled.cells[line.key, place.key]
    facts |= {"Reported": cell.reported or "nothing", "Verdict": cell.verdict.text if cell.verdict else "none"}
    facts |= {"Split": one.split, "Reported by": f"{one.protocol} (not stated: {', '.join(one.unknown) or 'nothing'})"}
    if line.cited:
        reference = paper.references.get(str(line.cited), "the text at hand has no list of references")
        facts["Cited"] = f"[{line.cited}] {reference}"
    for erratum in paper.errata:
        if cell.reported and erratum.on(cell.address):
            facts[f"Erratum {erratum.key}"] = erratum.text.strip()
    study = study_of(one.study_of(line)) if line.arm else None
    return Asked(title, study, filled.scale, line.arm, place.metric, place.group, cell.protocol, facts)


def _of_study(table: str, row: str, column: str, asked: str | None, seeds: str | None, results: Path) -> Asked:
    study = read_study(Path(table))
    scale, everybody = scaled(study, asked, results, seeds_of(seeds))
    arms = [arm for arm in everybody if arm.name == row]
    if not arms:
        names = {arm.name for arm in everybody}
        raise InvalidInput(f'{study.path}: has no arm "{row}"{nearest(row, names)}')
    title = f"{study.title}: {row}, {column}"
    if column in COUNTED:
        return Asked(title, study, scale, row, column)
    rows = arm_rows(arms, results)
    used = protocols(rows)
    columns = score_columns(rows, used, mixed=False)
    for one in columns:
        if column in (one.key, one.metric, heading(one.metric, one.protocols[0], used)):
            return Asked(title, study, scale, row, one.metric, protocol=one.protocols[0])
    on_record = {key for found in rows for key in found.scores if key[2] != "all"}
    parts = sorted(on_record, key=lambda key: (_rank(key[1]), used.index(key[0]), key[2]))
    for name, metric, group in parts:  # of a group alone the score that `table --by` shows
        if column in (group, f"{metric} {group}"):
            return Asked(title, study, scale, row, metric, group, name)
    if not columns:
        return Asked(title, study, scale, row, column)
    words = [*COUNTED, *(one.metric for one in columns), *dict.fromkeys(group for *_, group in parts)]
    raise InvalidInput(f"{title}: no such column{nearest(column, words)}")


def _mean(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the cell of several seeds as a table has it."""
    values = [row["value"] for row in rows if row["value"] is not None]
    return {"Cell": f"{fmean(values):.1f} ± {stdev(values):.1f} ({len(values)} seeds)"} if len(values) > 1 else {}


def _rank(metric: str) -> int:
    return PRIMARY.index(metric) if metric in PRIMARY else len(PRIMARY)


def _facts(asked: Asked, arms: Sequence[Arm]) -> dict[str, str]:
    if asked.study is None:
        return {"Measured": "nothing: cited, not run here"}
    facts = {"Study": f"{asked.study.path}, arm {asked.arm}, scale {asked.scale}"}
    if asked.protocol:
        facts["Measured by"] = asked.protocol
    if arms and arms[0].difference:
        changes = [f"{key} {json.dumps(old)} -> {json.dumps(new)}" for key, old, new in arms[0].difference]
        facts["Differs"] = f"from {arms[0].against}: {'; '.join(changes)}"
    if asked.metric in COUNTED:
        full = [arm for arm in expand(asked.study, "paper") if arm.name == asked.arm]
        count = counted(full)[asked.arm][asked.metric]
        facts["Counted"] = f"{count:,} at the paper's own scale, by running the network once on zeros"
    return facts


def _runs(arms: Sequence[Arm], asked: Asked, results: Path) -> list[dict[str, Any]]:
    found = store.read(results, [arm.job for arm in arms], folders.data_root())
    scores = found.scores
    wanted = (scores["metric"] == asked.metric) & (scores["group"] == asked.group)
    wanted &= scores["protocol"] == asked.protocol
    values = {job: (value, n) for job, value, n in scores[wanted][["job", "value", "n"]].itertuples(index=False)}
    runs = {run["job"]: run for run in found.runs.to_dict("records")}
    rows = []
    for arm in arms:
        run = runs.get(arm.job, {})
        made = json.loads(run.get("provenance") or "{}")
        value, count = values.get(arm.job, (None, None))
        commit = f"{made['commit'][:12]}{', changed' if made.get('dirty') else ''}" if made.get("commit") else None
        row = {"seed": arm.seed, "job": arm.job, "state": found.states[arm.job].name, "value": value, "n": count}
        row |= {"commit": commit, "source": run.get("source"), "device": made.get("device")}
        rows.append(row | {"finished": run.get("finished"), "versions": made.get("versions")})
    return rows


def _columns(asked: Asked) -> list[Column]:
    return [
        Column("seed", "Seed", right=True),
        Column("job", "Job"),
        Column("state", "State"),
        Column("value", asked.metric, right=True, show=lambda value: f"{value:.3f}"),
        Column("n", "n", right=True),
        Column("commit", "Commit"),
        Column("device", "Device"),
        Column("finished", "Finished"),
    ]


def _commands(asked: Asked, runs: Sequence[dict[str, Any]], seeds: str | None, results: Path) -> list[str]:
    assert asked.study is not None
    where = results_words(results)
    of_seeds = ["--seeds", seeds] if seeds else []
    words = [asked.study.path.as_posix(), "--scale", asked.scale, "--only", asked.arm, *of_seeds, *where]
    states = {run["job"]: run["state"] for run in runs}
    calls = [["run", *words, *(["--retry", "cancelled"] if "cancelled" in states.values() else [])]]
    calls += [["rescore", *words, "--check"]] if {"done", "stale"} & set(states.values()) else []
    calls += [["logs", job, *where] for job in states if JobDir.of(results, job).numbers()]
    return [shlex.join(["benchbox", *call]) for call in calls]
