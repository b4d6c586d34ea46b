"""The verb that judges a study's gates, or writes the references that they are held against."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.grid import FORMATS, emit
from benchbox.cli.markup import Column
from benchbox.cli.study import seeds_of
from benchbox.console import data, many, note
from benchbox.errors import (
    FAILED,
    INTERRUPTED,
    OK,
    BenchboxError,
    CannotJudge,
    EnvironmentProblem,
    InvalidInput,
    nearest,
)
from benchbox.gates.declaration import Declaration, read_gates
from benchbox.gates.judge import Judge
from benchbox.gates.measured import ArmJobs, Matcher, Results
from benchbox.gates.reports import Report, details, interval, number, row
from benchbox.gates.rule import PASSED, exit_code
from benchbox.gates.update import Update, changes, updates, write_all
from benchbox.papers import read as papers
from benchbox.plan import expand
from benchbox.spec import read_study

NO_GATES = "no gates are declared: add [[gates]] to it"


@dataclass(frozen=True)
class Asked:
    """What the user asked for, as typed."""

    seeds: str | None
    update: bool
    allow_dirty: bool
    report: Path
    results: Path
    format: str


def gate(path: Path, asked: Asked) -> int:
    """Judge every gate of a file and report, whatever happens; or write its references."""
    try:
        if asked.format not in FORMATS:
            raise InvalidInput(f"--format {asked.format}: unknown{nearest(asked.format, FORMATS)}")
        declaration = read_gates(path)
        if not declaration.gates:
            raise CannotJudge(f"{path}: {NO_GATES}")
        if asked.update:
            return _update(declaration, asked)
        report = _judged(declaration, asked)
    except BenchboxError as problem:
        _publish(Report(path, problem.exit_code, problem=str(problem)), asked.report)
        raise
    except KeyboardInterrupt:
        _publish(Report(path, INTERRUPTED, problem="interrupted"), asked.report)
        raise
    except Exception:
        _publish(Report(path, FAILED, problem=traceback.format_exc()), asked.report)
        raise
    _show(report, asked.format)
    _publish(report, asked.report)
    note(f"{_counted(report)}; junit.xml, gate.md and gate.json are in {asked.report}")
    return report.code


def _counted(report: Report) -> str:
    """Say how many gates ended how, and which did not pass."""
    named: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        named.setdefault(verdict.outcome, []).append(verdict.gate.name)
    ends = [
        f"{len(names)} {outcome}" + ("" if outcome == PASSED else f" ({', '.join(names)})")
        for outcome, names in named.items()
    ]
    return f"{many(len(report.verdicts), 'gate')}: {', '.join(ends)}"


def _judged(declaration: Declaration, asked: Asked) -> Report:
    results, paper = _results(declaration, asked)
    judge = Judge(results, papers.read(paper) if paper else None, _command(declaration.path, asked))
    verdicts = judge.judge(declaration.gates)
    number = sum(not one.is_cost for one in declaration.gates)
    levels = ", ".join(f"{100 * level:g} %" for level in sorted({one.confidence for one in declaration.gates}))
    together = f" for all {number} gates on scores together (Bonferroni)" if number > 1 else ""
    told = f"Intervals: {levels}{together}. Change: measured - reference."
    return Report(declaration.path, exit_code(one.outcome for one in verdicts), verdicts, note=told)


def _results(declaration: Declaration, asked: Asked) -> tuple[Results, str | None]:
    """Return where the study's results are found, and the paper that it answers."""
    study, root = read_study(declaration.study), folders.data_root()
    seeds = seeds_of(asked.seeds)
    arms: dict[tuple[str, str], ArmJobs] = {}
    for scale in dict.fromkeys(gate.scale for gate in declaration.gates):
        found = expand(study, scale, seeds)
        references = {arm.group: arm for arm in found if arm.reference}
        jobs: dict[str, dict[int, str]] = {}
        for arm in found:
            jobs.setdefault(arm.name, {})[arm.seed] = arm.job
        for arm in found:
            of = _reference_of(arm, [one for one in found if one.reference], references[arm.group])
            arms[scale, arm.name] = ArmJobs(arm.name, scale, of, jobs[arm.name])
    matcher = _matcher(asked.results, root)
    return Results(declaration.study.stem, arms, asked.results, root, matcher, declaration.gates), study.paper


def _reference_of(arm: Any, references: Sequence[Any], usual: Any) -> str:
    """Return the name of the reference of an arm's group, at the arm's own point of the axes where each has one."""
    for one in references:
        if one.group == arm.group and one.axes == arm.axes:
            return str(one.name)
    return str(usual.name)


def _matcher(results: Path, root: Path | None) -> Matcher:
    def match(jobs: Sequence[str], protocol: str, groups: Sequence[str]) -> Mapping[str, Any]:
        words = ["matches", "--results", str(results), "--cache", str(folders.cache_root())]
        words += ["--data", str(root)] if root else []
        found: dict[str, Any] = ask(words, {"jobs": list(jobs), "protocol": protocol, "groups": list(groups)})
        return found

    return match


def _show(report: Report, format: str) -> None:
    columns = [
        Column("gate", "Gate"),
        Column("measured", "Measured", right=True),
        Column("reference", "Reference", right=True),
        Column("change", "Change", right=True),
        Column("interval", "Interval"),
        Column("tolerance", "Tolerance", right=True),
        Column("outcome", "Outcome"),
        Column("reason", "Why"),
    ]
    title, record = f"Gates of {report.path}", report.record()
    notes = [f"{one.gate.name}: {text}" for one in report.verdicts for text in details(one)[1:]]
    if format in ("json", "csv"):
        plain = [Column(name, name) for name in ("gate", "outcome", "reason", *record["rows"][0])]
        emit(format, title, list(dict.fromkeys(plain)), record.pop("rows"), record, notes)
        return
    rows = []
    for one in report.verdicts:
        values = {name: number(getattr(one, name), one) for name in ("measured", "reference")}
        values |= {
            "change": number(one.change, one, True),
            "interval": interval(one),
            "tolerance": str(one.gate.tolerance),
        }
        rows.append(values | {name: row(one)[name] for name in ("gate", "outcome", "reason")})
    emit(format, title, columns, rows, {}, [*notes, report.note])


def _publish(report: Report, folder: Path) -> None:
    """Write the files of a report, GitHub's summary and its annotations; a disk that refuses is told, never silent."""
    problem = None
    try:
        report.write(folder)
    except EnvironmentProblem as refused:
        problem = refused
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with contextlib.suppress(OSError), open(summary, "a", encoding="utf-8") as file:
            file.write(report.markdown() + "\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in report.annotations():
            data(line)
    if problem is not None:
        if report.code != OK:
            note(f"benchbox: {problem}")
            return
        raise problem


def _update(declaration: Declaration, asked: Asked) -> int:
    """Write every reference that the gates name, all or none, and print what changed."""
    files = list(dict.fromkeys(one.against for one in declaration.gates if isinstance(one.against, Path)))
    if not files:
        raise InvalidInput(f"{declaration.path}: no gate names a reference file; nothing to write")
    commit = _commit(declaration.path, files, asked.allow_dirty)
    results, _ = _results(declaration, asked)
    provenance = {**commit, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    written = updates(declaration.gates, results, provenance)
    write_all(written)
    rows = [line | {"change": _change(line)} for one in written for line in changes(one)]
    columns = [
        Column("file", "Reference"),
        Column("score", "Score"),
        Column("before", "Before", right=True, show=_shown),
        Column("now", "Now", right=True, show=_shown),
        Column("change", "Change", right=True, show=lambda value: f"{value:+,.2f}"),
    ]
    meta = {"schema": 1, "kind": "gate-update", "files": [str(one.path) for one in written]}
    emit(asked.format, f"References of {declaration.path}", columns, rows, meta, [_said(one) for one in written])
    _publish(Report(declaration.path, OK, note="references written: " + ", ".join(map(str, files))), asked.report)
    return OK


def _said(update: Update) -> str:
    state = "unchanged" if update.unchanged else "refreshed" if update.before else "new"
    return f"{update.path}: {state}, {len(update.text.encode()) / 1000:,.0f} kB; commit it."


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _change(line: Mapping[str, Any]) -> float | None:
    before, now = line["before"], line["now"]
    return None if before is None or now is None else now - before


def _commit(path: Path, files: Sequence[Path], allow_dirty: bool) -> Mapping[str, Any]:
    """Return the commit of the checkout that a file lies in, and whether anything but the references differs from it.

    Raises: InvalidInput for a tree that is not as committed, unless it is allowed.
    """
    here = path.resolve().parent
    excluded = [f":(exclude,top,literal){one}" for one in _below(here, files)]
    run = [_git(here, "rev-parse", "HEAD"), _git(here, "status", "--porcelain", "--", ":/", *excluded)]
    if run[0] is None or run[1] is None:
        if allow_dirty:
            return {"commit": "", "dirty": None}
        raise InvalidInput(
            f"{path}: lies in no git checkout, so no commit can stand behind it; --allow-dirty writes it"
        )
    changed = run[1].splitlines()
    if changed and not allow_dirty:
        raise InvalidInput(
            f"{path}: the git tree has {many(len(changed), 'change')} not committed (first: {changed[0].strip()}); "
            "commit them, or say --allow-dirty"
        )
    return {"commit": run[0].strip(), "dirty": bool(changed)}


def _below(here: Path, files: Sequence[Path]) -> list[str]:
    top = _git(here, "rev-parse", "--show-toplevel")
    root = Path(top.strip()).resolve() if top else here
    resolved = [one.resolve() for one in files]
    return [one.relative_to(root).as_posix() for one in resolved if one.is_relative_to(root)]


def _git(folder: Path, *words: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=60)
        return done.stdout if done.returncode == 0 else None
    return None


def _command(path: Path, asked: Asked) -> str:
    words = ["benchbox", "gate", str(path), "--update"]
    words += ["--seeds", asked.seeds] if asked.seeds else []
    words += ["--results", str(asked.results)] if str(asked.results) != "results" else []
    return shlex.join(words)
