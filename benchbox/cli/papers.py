"""What the studies of a paper have to say to its tables: arms, states and scores at one scale, networks counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchbox import costs, store
from benchbox.cli import folders
from benchbox.cli.counts import count_networks
from benchbox.errors import InvalidInput, nearest
from benchbox.jobdir import JobDir
from benchbox.papers.read import COUNTED, Paper, PaperTable
from benchbox.plan import Arm, expand
from benchbox.report import frame
from benchbox.report.cells import Answers, Filled, fill
from benchbox.spec import SCALES, Study, read_study


def filled_tables(
    paper: Paper, tables: Iterable[PaperTable], asked: str | None, results: Path, *, mixed: bool = False
) -> list[Filled]:
    """Fill tables of a paper with what was counted and measured.

    Args: asked: a scale; for each table the largest of which something is there, when None.

    Raises: InvalidInput for a row whose study or arm is not there.
    """
    found = []
    for table in tables:
        scale = choose_scale(study_of(table.study), asked, results)
        names = dict.fromkeys([table.study, *map(table.study_of, table.rows)])
        answers = {name: _answers(name, scale, _wanted(table, name), results) for name in names}
        found.append(fill(paper, table, answers, mixed=mixed))
    return found


def study_of(name: str) -> Study:
    """Read a study of the ablations folder, here or in the checkout."""
    here = Path("ablations") / f"{name}.toml"
    checkout = Path(__file__).parents[2] / here
    if not here.exists() and not checkout.exists():
        raise InvalidInput(f"{here}: no such file; call this where benchbox's ablations folder is")
    return read_study(here if here.exists() else checkout)


def choose_scale(study: Study, asked: str | None, results: Path) -> str:
    """Choose the largest scale with a finished job; without any, or where they are the same, the one `run` chooses."""
    if asked:
        return asked
    usual = folders.choose_scale(None, study, folders.data_root())[0]
    usual_jobs = {arm.job for arm in expand(study, usual)}
    for scale in SCALES:
        if scale == "paper" or scale in study.scales:
            jobs = {arm.job for arm in expand(study, scale)}
            if any(JobDir.of(results, job).result() for job in jobs):
                return usual if jobs == usual_jobs else scale
    return usual


def arm_rows(arms: Sequence[Arm], results: Path, names: Sequence[str] = ()) -> list[frame.ArmRow]:
    """Join arms, and saved predictions by name, with their states and scores."""
    found = store.read(results, dict.fromkeys(arm.job for arm in arms), folders.data_root())
    found = store.with_saved(found, results, names)
    jobs: dict[str, list[str]] = {}
    for arm in arms:
        jobs.setdefault(arm.name, []).append(arm.job)
    references = {arm.name for arm in arms if arm.reference}
    named = [frame.ArmJobs(name, name in references, tuple(ids)) for name, ids in jobs.items()]
    return frame.rows([*named, *(frame.ArmJobs(name, False, (name,)) for name in names)], found)


def counted(arms: Sequence[Arm]) -> Mapping[str, Mapping[str, int | float]]:
    """Return what each arm's network costs, by the arm's name."""
    found = count_networks([arm.config for arm in arms])
    return {arm.name: {key: vars(found[costs.key(arm.config)])[key] for key in COUNTED} for arm in arms}


def _wanted(table: PaperTable, study: str) -> list[str]:
    return [row.arm for row in table.rows if row.arm and table.study_of(row) == study]


def _answers(name: str, scale: str, wanted: Sequence[str], results: Path) -> Answers:
    study = study_of(name)
    everybody = expand(study, scale)
    known = {arm.name for arm in everybody}
    for arm in wanted:
        if arm not in known:
            raise InvalidInput(f'{study.path}: has no arm "{arm}"{nearest(arm, known)}')
    arms = [arm for arm in everybody if arm.name in wanted]
    full = [arm for arm in expand(study, "paper") if arm.name in wanted]
    rows = {row.arm.name: row for row in arm_rows(arms, results)}
    return Answers(name, scale, rows, counted(full), counted(arms))
