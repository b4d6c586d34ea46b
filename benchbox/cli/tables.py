"""The verb that prints tables: of a study, or of a paper with reported beside measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbox import costs, store
from benchbox.cli import folders
from benchbox.cli.counts import count_networks
from benchbox.cli.differences import How, compared, methods
from benchbox.cli.grid import Column, emit
from benchbox.cli.scores import check_group
from benchbox.errors import CANNOT_JUDGE, OK, CannotJudge, InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.papers import read as papers
from benchbox.plan import Arm, expand
from benchbox.report import frame
from benchbox.report.differences import Differences, gathered
from benchbox.report.layout import Layout
from benchbox.report.paper import paper_table
from benchbox.report.tables import group_table, study_table
from benchbox.spec import SCALES, Study, read_study


@dataclass(frozen=True)
class Shown:
    """What of a table is shown: scores by a kind of group, some protocols, mixed or not, saved predictions.

    With `compare`, beside the scores stand their differences to the reference arm.
    """

    by: str | None
    protocols: Sequence[str]
    mixed: bool
    saved: Sequence[str]
    compare: bool = False


def table(
    path: Path | None, paper: str | None, scale: str | None, strict: bool, shown: Shown, results: Path, format: str
) -> int:
    """Print one study's table or all tables of a paper."""
    if (path is None) == (paper is None):
        known = f" (papers: {', '.join(papers.names())})"
        raise InvalidInput(f"table: give either a study's file or --paper NAME{known}")
    if path is None and (shown.by or shown.protocols or shown.saved or shown.compare):
        raise InvalidInput("table: --by, --compare, --protocol and --with go with a study's file")
    layouts = (
        [_study_layout(path, scale, shown, results)] if path else _paper_layouts(str(paper), scale, shown, results)
    )
    for layout in layouts:
        columns = [Column(column.key, column.heading, column.right) for column in layout.columns]
        rows = layout.records if format == "json" else layout.texts
        emit(format, layout.title, columns, rows, layout.meta, layout.footnotes)
    return CANNOT_JUDGE if strict and any(layout.missing for layout in layouts) else OK


def _study_layout(path: Path, asked: str | None, shown: Shown, results: Path) -> Layout:
    study = read_study(path)
    scale = choose_scale(study, asked, results)
    arms = expand(study, scale)
    rows = _rows(arms, results, shown.saved)
    by = check_group(shown.by) if shown.by else ""
    gaps = _differences(arms, rows, shown, by, results) if shown.compare else None
    how: dict[str, Any] = {"asked": shown.protocols, "mixed": shown.mixed, "gaps": gaps}
    if by:
        return group_table(study.title, scale, rows, by, **how)
    return study_table(study.title, scale, rows, _counted(arms), **how)


def _differences(
    arms: Sequence[Arm], rows: Sequence[frame.ArmRow], shown: Shown, by: str, results: Path
) -> Differences:
    """Compare every arm that has results with its reference, and saved predictions with the study's first."""
    done = {row.arm.name: [job for job in row.arm.jobs if row.state == "saved" or _done(results, job)] for row in rows}
    against = {name: arms[0].against for name in shown.saved} | {arm.name: arm.against for arm in arms}
    names = [row.arm.name for row in rows if not row.arm.reference]
    names = [name for name in names if done[name] and done[against[name]]]
    if not names:
        raise CannotJudge("--compare: needs results of the reference arm and of another one")
    how = How(shown.protocols, shown.mixed, ("all", by) if by else ("all",))
    answers = compared([(done[against[name]], done[name]) for name in names], how, results)
    found = {name: answer.rows for name, answer in zip(names, answers, strict=True)}
    notes = methods(row for some in found.values() for row in some)
    notes += [f"{name}: not compared: {one.problem}." for name, one in zip(names, answers, strict=True) if one.problem]
    return gathered(found, confidence=how.confidence, notes=notes)


def _done(results: Path, job: str) -> bool:
    return JobDir.of(results, job).result() is not None


def _paper_layouts(name: str, asked: str | None, shown: Shown, results: Path) -> list[Layout]:
    paper = papers.read(name)
    layouts = []
    for one in paper.tables:
        study = read_study(_study_file(one.study))
        scale = choose_scale(study, asked, results)
        arms = expand(study, scale)
        rows = {row.arm.name: row for row in _rows(arms, results)}
        for printed in one.rows:
            if printed.arm is not None and printed.arm not in rows:
                raise InvalidInput(f'{study.path}: has no arm "{printed.arm}"{nearest(printed.arm, rows)}')
        counted = _counted(expand(study, "paper"))
        layouts.append(paper_table(paper, one, scale, rows, counted, _counted(arms), mixed=shown.mixed))
    return layouts


def _study_file(name: str) -> Path:
    here = Path("ablations") / f"{name}.toml"
    checkout = Path(__file__).parents[2] / here
    if not here.exists() and not checkout.exists():
        raise InvalidInput(f"{here}: no such file; call this where benchbox's ablations folder is")
    return here if here.exists() else checkout


def choose_scale(study: Study, asked: str | None, results: Path) -> str:
    """Choose the largest scale with a finished job; without any, or where they are the same, the one `run` chooses."""
    if asked:
        return asked
    usual = folders.choose_scale(None, study, folders.data_root())[0]
    usual_jobs = {arm.job for arm in expand(study, usual)}
    for scale in SCALES:
        if scale == "paper" or scale in study.scales:
            jobs = {arm.job for arm in expand(study, scale)}
            if any(_done(results, job) for job in jobs):
                return usual if jobs == usual_jobs else scale
    return usual


def _rows(arms: Sequence[Arm], results: Path, names: Sequence[str] = ()) -> list[frame.ArmRow]:
    found = store.read(results, {arm.job for arm in arms}, folders.data_root())
    found = store.with_saved(found, results, names)
    jobs: dict[str, list[str]] = {}
    for arm in arms:
        jobs.setdefault(arm.name, []).append(arm.job)
    references = {arm.name for arm in arms if arm.reference}
    named = [frame.ArmJobs(name, name in references, tuple(ids)) for name, ids in jobs.items()]
    return frame.rows([*named, *(frame.ArmJobs(name, False, (name,)) for name in names)], found)


def _counted(arms: Sequence[Arm]) -> Mapping[str, Mapping[str, int]]:
    found = count_networks([arm.config for arm in arms])
    counts = {arm.name: found[costs.key(arm.config)] for arm in arms}
    return {name: {"parameters": cost.parameters, "macs": cost.macs} for name, cost in counts.items()}
