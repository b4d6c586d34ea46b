"""A study's part of the page: what is done, how to go on, its tables, plots and worst persons."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbox import store
from benchbox.cli import folders, pictures
from benchbox.cli.arms import counted, joined
from benchbox.cli.finished import scaled
from benchbox.cli.page_tables import number, plain_table, study_table, word
from benchbox.cli.study import Selection
from benchbox.errors import BenchboxError, CannotJudge
from benchbox.jobdir import REPEATED_CLASSES
from benchbox.page.content import Cell, Command, Persons, Picture, Plot, Section, Table
from benchbox.report import tables
from benchbox.report.differences import Differences
from benchbox.report.frame import ORDER, ArmRow
from benchbox.report.persons import scores_of, worst
from benchbox.spec import read_study

SHOWN_BY = ("joint", "pair", "category", "activity")
WORST = 8
JOBS = (
    ("Arm", False),
    ("Seed", True),
    ("Job", False),
    ("State", False),
    ("Epochs", True),
    ("ms a step", True),
    ("Persons/s", True),
    ("Waiting for data, %", True),
    ("Peak memory, MiB", True),
    ("Minutes", True),
    ("Device", False),
    ("What happened", False),
)


@dataclass(frozen=True)
class Found:
    """A study at one scale with what was read of its jobs, once."""

    chosen: Selection
    store: store.Store
    rows: Sequence[ArmRow]

    @property
    def done(self) -> bool:
        """Tell whether any job has a result."""
        return len(self.store.runs) > 0


def find(path: Path, asked: str | None, results: Path) -> Found:
    """Read a study and its results at the scale that was asked for, else the largest with a finished job."""
    study, data = read_study(path), folders.data_root()
    scale, arms = scaled(study, asked, results)
    found = store.read(results, dict.fromkeys(arm.job for arm in arms), data)
    reason = "asked for" if asked else "the largest with a finished job"
    if not asked and not len(found.runs):
        reason = folders.choose_scale(None, study, data)[1]
    return Found(Selection(study, scale, reason, arms, data, results), found, joined(arms, found))


def section(
    id: str,
    one: Found,
    gaps: Differences | str,
    drawn: Mapping[str, str],
    persons: Persons | None,
) -> Section:
    """Return a study's part of the page.

    Args:
        id: of its element.
        gaps: differences to the reference arms, or why there are none.
        drawn: figures by kind, each one <svg> element.
    """
    study = one.chosen.study
    counts = Counter(state.name for state in one.store.states.values())
    states = [name for name in dict.fromkeys([*reversed(ORDER), *counts]) if counts[name]]
    facts = [
        ("Study", study.path.as_posix()),
        ("Scale", f"{one.chosen.scale} ({one.chosen.reason})"),
        ("Varied", ", ".join(study.factor)),
        *([("Paper", study.paper)] if study.paper else []),
        ("Jobs", ", ".join(f"{counts[name]} {name}" for name in states)),
    ]
    plots = [Plot(kind, svg) for kind, svg in drawn.items()]
    notes = [gaps] if isinstance(gaps, str) and gaps else []
    if one.done and not counts["done"]:
        notes.append("No plots: no job is done by today's code and data.")
    shown = [*_scores(id, one, None if isinstance(gaps, str) else gaps), _jobs(f"{id}-jobs", one)]
    return Section(id, study.title, facts, _commands(one), shown, plots, persons, notes)


def words(one: Found) -> str:
    """Return what names the study, its scale and the results in a command."""
    return f"{shlex.quote(one.chosen.study.path.as_posix())} --scale {one.chosen.scale}{kept(one.chosen.results)}"


def kept(results: Path) -> str:
    """Return what names the results folder in a command, where it is not the usual one."""
    return "" if results.as_posix() == "results" else f" --results {shlex.quote(results.as_posix())}"


def badly(one: Found) -> Persons | None:
    """Return the persons whom the best arm predicted worst, with their pictures and what the reference arm had."""
    best, reference = _best(one)
    if best is None:
        return None
    job = _finished(best, one)
    found = worst(store.people(one.chosen.results, job), WORST)
    if not found:
        return None
    numbers = [person.number for person in found]
    other: Mapping[int, float] = {}
    if reference is not None and reference is not best:
        other = scores_of(store.people(one.chosen.results, _finished(reference, one)), numbers)
    try:
        drawn, missing = pictures.persons(one.chosen.results, job, numbers, one.chosen.data), ""
    except BenchboxError as problem:
        drawn, missing = {}, f" Without pictures: {problem}."
    shown = []
    for person in found:
        lines = [f"{person.image}, person {person.number}", *([person.category] if person.category else [])]
        lines.append(f"{person.measure} {person.score:.1f}")
        if person.number in other:
            lines.append(f"by the reference {other[person.number]:.1f}")
        shown.append(Picture(lines, drawn.get(person.number, b"")))
    about = f"Those whom {best.arm.name}, the best arm, predicted worst (job {job}); {found[0].measure} in percent."
    if drawn:
        about += " Solid: predicted; dashed: true."
    return Persons(about + missing, shown)


def _scores(id: str, one: Found, gaps: Differences | None) -> list[Table]:
    title, scale = one.chosen.study.title, one.chosen.scale
    costs = {
        name: {key: found[key] for key in ("parameters", "macs")} for name, found in counted(one.chosen.arms).items()
    }
    shown = [study_table(f"{id}-scores", tables.study_table(title, scale, one.rows, costs, gaps=gaps))]
    for by in SHOWN_BY:
        try:
            shown.append(study_table(f"{id}-{by}", tables.group_table(title, scale, one.rows, by)))
        except CannotJudge:
            continue
    return shown


def _jobs(id: str, one: Found) -> Table:
    """Return a row per job, under the name of its first arm."""
    runs = {run["job"]: run for run in one.store.runs.to_dict("records")}
    names: dict[str, list[str]] = {}
    seeds = {arm.job: arm.seed for arm in one.chosen.arms}
    for arm in one.chosen.arms:
        names.setdefault(arm.job, []).append(arm.name)
    rows: list[list[str | Cell]] = []
    for job, arms in names.items():
        state, run = one.store.states[job], runs.get(job, {})
        row: list[str | Cell] = [", ".join(dict.fromkeys(arms)), str(seeds[job]), job, state.name]
        row += [
            number(run.get("epochs")),
            number(run.get("step_seconds"), 1, 1e3),
            number(run.get("samples_per_second")),
            number(run.get("data_wait_share"), 0, 100),
            number(run.get("peak_memory_bytes"), 0, 2**-20),
            number(run.get("wall_seconds"), 1, 1 / 60),
            word(run.get("device")),
            _failure(job, state.failure, state.error, one) if state.name == "failed" else "",
        ]
        rows.append(row)
    return plain_table(id, "Jobs", JOBS, rows)


def _failure(job: str, failure: str, error: str, one: Found) -> Cell:
    first = error.strip().splitlines()[0] if error.strip() else "no message"
    return Cell(f"[{failure}] {first}", code=f"benchbox logs {job}{kept(one.chosen.results)}")


def _commands(one: Found) -> list[Command]:
    """Return what made the results, and what goes on from here."""
    states = list(one.store.states.values())
    waiting = sum(state.name in ("pending", "interrupted") for state in states)
    classes = Counter(state.failure for state in states if state.name == "failed")
    waiting += sum(count for failure, count in classes.items() if failure in REPEATED_CLASSES)
    run = f"benchbox run {words(one)}"
    about = f"Go on: {waiting} to do" if waiting else "Make these results"
    found = [Command(about, run)]
    for failure, count in sorted(classes.items()):
        if failure not in REPEATED_CLASSES:
            found.append(Command(f"Try {count} again that failed ({failure})", f"{run} --retry {shlex.quote(failure)}"))
    for state, option in (("cancelled", "--retry cancelled"), ("stale", "--stale")):
        count = sum(one.name == state for one in states)
        if count:
            found.append(Command(f"Run {count} {state} again", f"{run} {option}"))
    if one.done:
        found += [
            Command("Print the table, with differences", f"benchbox table {words(one)} --compare"),
            Command("Draw the plots", f"benchbox plot {words(one)}"),
            Command("Compute the scores again from the persons", f"benchbox rescore {words(one)} --check"),
        ]
    return found


def _best(one: Found) -> tuple[ArmRow | None, ArmRow | None]:
    """Return the arm with the best primary score and the first reference arm, of those with a finished job."""
    having = [row for row in one.rows if row.scores]
    reference = next((row for row in having if row.arm.reference), None)
    for metric in tables.PRIMARY:
        for row in having:
            keys = [key for key in row.scores if key[1:] == (metric, "all")]
            if keys:
                scored = [row for row in having if keys[0] in row.scores]
                return max(scored, key=lambda row: row.scores[keys[0]].mean), reference
    return None, reference


def _finished(row: ArmRow, one: Found) -> str:
    having = set(one.store.runs["job"])
    return next(job for job in row.arm.jobs if job in having)
