"""What the studies of a paper have to say to its tables: arms, states and scores at one scale, networks counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchbox.cli.arms import arm_rows, counted, differences
from benchbox.cli.differences import How, spreads
from benchbox.cli.finished import choose_scale
from benchbox.errors import CannotJudge, InvalidInput, nearest
from benchbox.papers.read import Paper, PaperTable
from benchbox.plan import Arm, expand
from benchbox.report import frame
from benchbox.report.cells import Answers, Filled, fill
from benchbox.report.differences import Differences
from benchbox.spec import Study, read_study


def filled_tables(
    paper: Paper,
    tables: Iterable[PaperTable],
    asked: str | None,
    results: Path,
    *,
    mixed: bool = False,
    compare: bool = False,
) -> list[Filled]:
    """Fill tables of a paper with what was counted and measured.

    Args:
        asked: a scale; for each table the largest of which something is there, when None.
        mixed: let scores of different protocols share a column.
        compare: find each arm's difference to its reference.

    Raises: InvalidInput for a row whose study or arm is not there; CannotJudge with nothing to compare.
    """
    found = []
    for table in tables:
        scale = choose_scale(study_of(table.study), asked, results)
        names = dict.fromkeys([table.study, *map(table.study_of, table.rows)])
        kinds = tuple(dict.fromkeys(["all", *(column.group.partition(":")[0] for column in table.columns)]))
        how = How(mixed=mixed, kinds=kinds)
        answers = {name: _answers(name, scale, table, how, compare, results) for name in names}
        if compare and not any(one.gaps for one in answers.values()):
            raise CannotJudge(
                f"--compare: {paper.name}, Table {table.id}: needs results of a reference arm and another: benchbox run"
            )
        found.append(fill(paper, table, answers, mixed=mixed))
    return found


def study_of(name: str) -> Study:
    """Read a study of the ablations folder, here or in the checkout."""
    here = Path("ablations") / f"{name}.toml"
    checkout = Path(__file__).parents[2] / here
    if not here.exists() and not checkout.exists():
        raise InvalidInput(f"{here}: no such file; call this where benchbox's ablations folder is")
    return read_study(here if here.exists() else checkout)


def studies_of(paper: Paper) -> list[Path]:
    """Return the files of the studies that answer a paper's tables."""
    names = dict.fromkeys(name for table in paper.tables for name in (table.study, *map(table.study_of, table.rows)))
    return [study_of(name).path for name in names]


def _answers(name: str, scale: str, table: PaperTable, how: How, compare: bool, results: Path) -> Answers:
    study = study_of(name)
    wanted = [row.arm for row in table.rows if row.arm and table.study_of(row) == name]
    everybody = expand(study, scale)
    against = {arm.name: arm.against for arm in everybody}
    for arm in wanted:
        if arm not in against:
            raise InvalidInput(f'{study.path}: has no arm "{arm}"{nearest(arm, against)}')
    needed = {against[name] for name in wanted} | set(wanted) if compare else set(wanted)
    seen = [arm for arm in everybody if arm.name in needed]
    rows = arm_rows(seen, results)
    gaps = _gaps(seen, rows, how, results) if compare else None
    noise = _noise(rows, how.kinds, results) if scale == "paper" and not table.not_comparable else {}
    networks = any(column.counted for column in table.columns)
    here = [arm for arm in everybody if arm.name in wanted and networks]
    full = [arm for arm in expand(study, "paper") if arm.name in wanted and networks]
    return Answers(name, scale, {row.arm.name: row for row in rows}, counted(full), counted(here), gaps, noise)


def _noise(rows: Sequence[frame.ArmRow], kinds: Sequence[str], results: Path) -> dict[tuple[str, str, str, str], float]:
    """Return how far the scores of arms that are done would move on other persons, from their first seeds."""
    first = {row.arm.jobs[0]: row.arm.name for row in rows if row.state == "done"}
    found = spreads(list(first), kinds, results) if first else []
    return {(first[one["job"]], one["protocol"], one["metric"], one["group"]): one["half"] for one in found}


def _gaps(arms: Sequence[Arm], rows: Sequence[frame.ArmRow], how: How, results: Path) -> Differences | None:
    try:
        return differences(arms, rows, how, results)
    except CannotJudge:
        return None
