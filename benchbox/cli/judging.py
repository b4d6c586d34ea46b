"""The verb that judges a study's gates: what it is given, and what it reports, whatever happens.

What computes is loaded when something is there to be judged: most mistakes are told before.
"""

from __future__ import annotations

import math
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox.cli.early import seeds_of
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.places import data_root
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
from benchbox.files import refuse_special
from benchbox.gates.arms import ArmJobs, arm_of, check_done, check_results, check_there
from benchbox.gates.declaration import Declaration, Gate, read_gates
from benchbox.gates.reports import Report, interval, number, told_once
from benchbox.gates.verdict import COULD_NOT_JUDGE, PASSED, Verdict, exit_code
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.spec import read_study

NO_GATES = (
    "no gates are declared: add [[gates]] with name, metric, arm, scale, against and tolerance; "
    "see benchbox gate --help"
)


@dataclass(frozen=True)
class Looked:
    """The arms that gates may speak of, by (scale, name), and the paper that their study answers."""

    arms: Mapping[tuple[str, str], ArmJobs]
    paper: str | None


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
        declaration = read_gates(path)
        if not declaration.gates:
            raise CannotJudge(f"{path}: {NO_GATES}")
        found = looked(declaration, asked)
        report = _updated(declaration, found, asked) if asked.update else _judged(declaration, found, asked)
    except BenchboxError as problem:
        publish(Report(path, problem.exit_code, problem=str(problem)), asked.report)
        raise
    except KeyboardInterrupt:
        publish(Report(path, INTERRUPTED, problem="interrupted"), asked.report)
        raise
    except Exception:
        publish(Report(path, FAILED, problem=traceback.format_exc()), asked.report)
        raise
    if not asked.update:
        _show(report, asked.format)
    written = publish(report, asked.report)
    if asked.update:
        return OK
    for reason in dict.fromkeys(one.reason for one in report.verdicts if one.outcome == COULD_NOT_JUDGE):
        note(reason)  # whole: a table breaks the command in it
    where = f"junit.xml, gate.md and gate.json are in {asked.report}" if written else "no report of it could be written"
    note(f"{_counted(report)}; {where}")
    return report.code


def _counted(report: Report) -> str:
    """Say how many gates ended how, and which did not pass."""
    named: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        named.setdefault(verdict.outcome, []).append(verdict.gate.name)
    ends = [
        f"{len(names)} {outcome}" + ("" if outcome == PASSED else f" ({'; '.join(names)})")
        for outcome, names in named.items()
    ]
    return f"{many(len(report.verdicts), 'gate')}: {', '.join(ends)}"


def looked(declaration: Declaration, asked: Asked) -> Looked:
    """Read the study and expand it at the scales that gates name."""
    study, seeds = read_study(declaration.study), seeds_of(asked.seeds)
    arms: dict[tuple[str, str], ArmJobs] = {}
    known_scales = ("paper", *study.scales)
    for gate in declaration.gates:
        if gate.scale not in known_scales:
            hint = nearest(gate.scale, known_scales)
            where = f"{declaration.path}:{gate.line}: [[gates]]"
            raise InvalidInput(f'{where} "{gate.name}": {study.path} has no scale {gate.scale}{hint}')
    for scale in dict.fromkeys(gate.scale for gate in declaration.gates):
        found = expand(study, scale, seeds)
        references = {arm.group: arm for arm in found if arm.reference}
        jobs: dict[str, dict[int, str]] = {}
        for arm in found:
            jobs.setdefault(arm.name, {})[arm.seed] = arm.job
        for arm in found:
            of = _reference_of(arm, [one for one in found if one.reference], references[arm.group])
            arms[scale, arm.name] = ArmJobs(arm.name, scale, of, jobs[arm.name], declaration.study, asked.results)
    return Looked(arms, study.paper)


def _reference_of(arm: Any, references: Sequence[Any], usual: Any) -> str:
    """Return the name of the reference of an arm's group, at the arm's own point of the axes where each has one."""
    for one in references:
        if one.group == arm.group and one.axes == arm.axes:
            return str(one.name)
    return str(usual.name)


def _judged(declaration: Declaration, found: Looked, asked: Asked) -> Report:
    missing = [_missing(gate, found, asked.results) for gate in declaration.gates]
    if all(missing):
        verdicts = [Verdict(gate, COULD_NOT_JUDGE, why) for gate, why in zip(declaration.gates, missing, strict=True)]
    else:
        from benchbox.cli import judged

        verdicts = judged.verdicts(declaration, found, asked)
    number = sum(not one.is_cost for one in declaration.gates)
    levels = ", ".join(f"{100 * level:g} %" for level in sorted({one.confidence for one in declaration.gates}))
    together = f" for all {number} gates on scores together (Bonferroni)" if number > 1 else ""
    told = f"Intervals: {levels}{together}. Change: measured - reference."
    compared = not all(math.isnan(one.change) for one in verdicts)
    return Report(declaration.path, exit_code(one.outcome for one in verdicts), verdicts, note=told if compared else "")


def _missing(gate: Gate, found: Looked, results: Path) -> str:
    """Say what a gate needs that is not there; empty where all of it is."""
    try:
        _check_results(gate, found, results)
        if isinstance(gate.against, Path):
            check_there(gate.against)
    except CannotJudge as problem:
        return str(problem)
    return ""


def _check_results(gate: Gate, found: Looked, results: Path) -> None:
    arm, root = arm_of(found.arms, gate.scale, gate.arm), data_root()
    check_results(arm)
    check_done(arm, {job: JobDir.of(results, job, root).state().name for job in arm.jobs.values()})


def _updated(declaration: Declaration, found: Looked, asked: Asked) -> Report:
    files = list(dict.fromkeys(one.against for one in declaration.gates if isinstance(one.against, Path)))
    if not files:
        raise InvalidInput(
            f'{declaration.path}: no gate names a reference file; say against = "PATH.json" in one for --update'
        )
    for gate in declaration.gates:
        if isinstance(gate.against, Path):
            _check_results(gate, found, asked.results)
    from benchbox.cli import judged

    judged.update(declaration, found, asked, files)
    return Report(declaration.path, OK, note="references written: " + ", ".join(map(str, files)))


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
    told = told_once(report.verdicts)
    notes = [f"{one.gate.name}: {text}" for one, texts in zip(report.verdicts, told, strict=True) for text in texts[1:]]
    if format in ("json", "csv"):
        plain = [Column(name, name) for name in ("gate", "outcome", "reason", *record["rows"][0])]
        emit(format, title, list(dict.fromkeys(plain)), record.pop("rows"), record, notes)
        return
    rows = []
    for one, texts in zip(report.verdicts, told, strict=True):
        values = {name: number(getattr(one, name), one) for name in ("measured", "reference")}
        values |= {
            "change": number(one.change, one, True),
            "interval": interval(one),
            "tolerance": str(one.gate.tolerance),
        }
        rows.append(values | {"gate": one.gate.name, "outcome": one.outcome, "reason": texts[0]})
    emit(format, title, columns, rows, {}, [*notes, *filter(None, [report.note])])


def _append(summary: Path, text: str) -> None:
    """Write into GitHub's summary, and say where that cannot be done; a pipe would wait for who may never read."""
    try:
        if summary.exists():
            refuse_special(summary)
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        note(f"GITHUB_STEP_SUMMARY: {summary}: {(problem.strerror or '').lower()}; nothing written there")
    except InvalidInput as problem:
        note(f"GITHUB_STEP_SUMMARY: {problem}; nothing written there")


def publish(report: Report, folder: Path) -> bool:
    """Write the files of a report, GitHub's summary and its annotations; a disk that refuses is told, never silent.

    Returns: whether the files are written.
    """
    problem = None
    try:
        report.write(folder)
    except EnvironmentProblem as refused:
        problem = refused
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        _append(Path(summary), report.markdown() + "\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        checkout = os.environ.get("GITHUB_WORKSPACE")
        for line in report.annotations(Path(checkout).resolve() if checkout else None):
            data(line)
    if problem is not None:
        if report.code != OK:
            note(f"benchbox: {problem}")
            return False
        raise problem
    return True
