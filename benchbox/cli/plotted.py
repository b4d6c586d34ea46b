"""What the figures of a study show: plain data, gathered from the results that are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchbox import store
from benchbox.cli import folders
from benchbox.cli.arms import arm_rows, counted, differences
from benchbox.cli.ask import ask
from benchbox.cli.differences import How
from benchbox.cli.shown import COSTS, Shown
from benchbox.errors import CannotJudge
from benchbox.figures import deltas, grid, lines, pareto
from benchbox.plan import Arm, expand
from benchbox.report import curves
from benchbox.report.differences import SHOWN
from benchbox.report.frame import ArmRow, protocols
from benchbox.report.layout import chosen, score_columns, used_notes
from benchbox.report.tables import group_table
from benchbox.stats.pck import METRICS


def costs_and_scores(shown: Shown) -> pareto.Pareto:
    """Gather every arm's whole-set scores over what its network costs.

    Raises: CannotJudge where no arm has a score.
    """
    if not shown.columns:
        raise CannotJudge("no finished arm has a score of AP, PCKh or PCK")
    costs = counted(shown.arms)
    panels = []
    for column in shown.columns:
        points = []
        for row in shown.rows:
            found = column.of(row)[1]
            if found:
                cost = float(costs[row.arm.name][shown.x])
                points.append(pareto.Point(row.arm.name, cost, found.mean, found.deviation, found.n, row.arm.reference))
        panels.append(pareto.Panel(f"{shown.label(column)}, %", points))
    what = COSTS[shown.x]
    notes = shown.notes(
        f"{what} of the networks at this scale; ringed: reference.", *map(str, used_notes(shown.columns))
    )
    return pareto.Pareto(shown.title(f"accuracy against {what.lower()}"), what, panels, notes)


def against_reference(shown: Shown) -> deltas.Deltas:
    """Gather the differences of arms to their references, by the statistics of `compare`.

    Raises: CannotJudge where no arm is done beside its reference.
    """
    arms, done = _with_references(shown)
    compared = [arm for arm in shown.arms if not arm.reference and arm.against in done]
    if not compared:
        raise CannotJudge("needs results of a reference arm and of another one")
    names = {arm.name for arm in compared} | {arm.against for arm in compared}
    seen = [arm for arm in arms if arm.name in names]
    rows = arm_rows(seen, shown.selection.results)
    gaps = differences(seen, rows, How(shown.asked, kinds=("all",)), shown.selection.results)
    panels = []
    for column in score_columns(rows, chosen(protocols(rows), shown.asked), mixed=False):
        found = [(row, gaps.of(row, column)) for row in rows if not row.arm.reference]
        some = [_delta(row.arm.name, gap, gaps.confidence) for row, gap in found if gap is not None]
        if some and column.metric in SHOWN:
            panels.append(deltas.Panel(f"{shown.label(column)}, points over the reference", some))
    if not panels:
        raise CannotJudge("; ".join(gaps.notes) or "no score that arms share with their reference")
    level = f"{100 * gaps.confidence:g} %"
    notes = [
        f"On the same persons as the reference arm, with the {level} interval. Filled: p is below "
        f"{1 - gaps.confidence:.2g} after Holm's adjustment over the arms; hollow: may be noise.",
        f"Reference: {'; '.join(row.arm.name for row in rows if row.arm.reference)}.",
        *gaps.notes,
    ]
    bare = sorted({arm.name for arm in shown.arms if not arm.reference} - {arm.name for arm in compared})
    notes += [f"No result of their reference: {'; '.join(bare)}."] if bare else []
    return deltas.Deltas(shown.title("differences to the reference"), panels, shown.notes(*notes, seeds=False))


def by_group(shown: Shown, by: str) -> grid.Grid:
    """Gather one score part by part: the table that `table --by` prints.

    Raises: CannotJudge where no arm has such scores.
    """
    selection = shown.selection
    table = group_table(selection.study.title, selection.scale, shown.rows, by, asked=shown.asked)
    heads = table.columns[1:-1]
    values = [[_number(record["cells"][head.key]["measured"]) for head in heads] for record in table.records]
    return grid.Grid(
        title=shown.title(f"by {by}"),
        label=f"{heads[0].heading}, %",
        rows=[record["arm"] for record in table.records],
        references=[record["reference"] for record in table.records],
        columns=["all", *(head.heading for head in heads[1:])],
        values=np.array(values, np.float64),
        notes=[*map(str, table.footnotes), *shown.absences],
    )


def training(shown: Shown) -> lines.Lines:
    """Gather loss and scores by epoch, of the arms that have more than one epoch on record.

    Raises: CannotJudge where none has.
    """
    logs = {arm.job: curves.logged(shown.selection.folder(arm.job)) for arm in shown.arms}
    losses = {job: {one.epoch: {"loss": one.loss} for one in log} for job, log in logs.items()}
    runs = store.read(shown.selection.results, list(logs)).runs
    scores = {
        job: {int(one["epoch"]): one for one in curves.validations(text)}
        for job, text in zip(runs["job"], runs["validations"], strict=True)
    }
    source = "on all test persons"
    if all(len(found) < 2 for found in scores.values()):
        scores = {job: {one.epoch: dict(one.scores) for one in log} for job, log in logs.items()}
        source = "on the first test persons, without flip test"
    panels = []
    for table, names, label in ((losses, ("loss",), "Training loss"), (scores, (*SHOWN, "OKS"), "")):
        metric = next(
            (name for name in names if any(name in one for some in table.values() for one in some.values())), ""
        )
        found = [line for row in shown.rows if (line := _by_epoch(row, table, metric))]
        if found:
            panels.append(lines.Panel("Epoch", label or f"{metric}, %", found, whole=True, wide=bool(label)))
    if not panels:
        raise CannotJudge("no finished arm has more than one epoch on record")
    missing = [row.arm.name for row in shown.rows if not any(len(losses[job]) > 1 for job in row.arm.jobs)]
    notes = [f"Scores {source}."] if panels[-1].y_label != "Training loss" else []
    notes += [f"Without a log of two epochs: {'; '.join(missing)}."] if missing else []
    return lines.Lines(shown.title("training"), panels, shown.notes(*notes))


def over_thresholds(shown: Shown) -> lines.Lines:
    """Gather PCKh and PCK over their threshold, a panel for each way of counting.

    Raises: CannotJudge where no arm has such a score.
    """
    used = [name for name in shown.used if curves.family(name).metric in METRICS]
    panels = []
    for one in dict.fromkeys(map(curves.family, used)):
        members = [name for name in used if curves.family(name) == one]
        x = curves.thresholds_for(members)
        found = []
        for row in shown.rows:
            if any(key[0] in members for key in row.scores):
                seeds = [curves.by_threshold(shown.people(job), members[0], x) for job in row.arm.jobs]
                y, deviation = curves.summed_up(seeds)
                found.append(lines.Line(row.arm.name, x, y, deviation, len(seeds), row.arm.reference))
        unit = "head" if one.metric == "pckh" else "torso"
        label = f"{METRICS[one.metric]}, % ({str(one).partition('/')[2]})"
        panels.append(lines.Panel(f"Threshold, {unit} sizes", label, found))
    if not panels:
        raise CannotJudge("no finished arm has scores of PCKh or PCK")
    metrics = " and ".join(dict.fromkeys(panel.y_label.partition(",")[0] for panel in panels))
    return lines.Lines(shown.title(f"{metrics} against the threshold"), panels, shown.notes())


def over_oks(shown: Shown) -> lines.Lines:
    """Gather AP over the OKS that a person must reach, a panel for each protocol.

    Raises: CannotJudge where no arm has such a score.
    """
    panels = []
    for name in [one for one in shown.used if curves.family(one).metric == "coco-kp"]:
        rows = [row for row in shown.rows if (name, "AP", "all") in row.scores]
        matched = _matched(shown, name, [job for row in rows for job in row.arm.jobs])
        found = []
        for row in rows:
            y, deviation = curves.summed_up([matched[job] for job in row.arm.jobs])
            found.append(lines.Line(row.arm.name, curves.OKS, y, deviation, len(row.arm.jobs), row.arm.reference))
        panels.append(lines.Panel("OKS that a person must reach", f"AP, % ({name})", found))
    if not panels:
        raise CannotJudge("no finished arm has scores of COCO's AP")
    return lines.Lines(shown.title("AP against OKS"), panels, shown.notes("AP: their mean, from 0.50 to 0.95."))


GATHER: dict[str, Callable[[Shown], Any]] = {
    "pareto": costs_and_scores,
    "deltas": against_reference,
    "joints": lambda shown: by_group(shown, "joint"),
    "categories": lambda shown: by_group(shown, "category"),
    "curves": training,
    "pck": over_thresholds,
    "oks": over_oks,
}
"""What gathers the data of each kind of figure; `benchbox.figures.KINDS` draws them."""


def _with_references(shown: Shown) -> tuple[list[Arm], set[str]]:
    """Return the arms that are done with their references, even those not selected, and the names of all these."""
    chosen = shown.selection
    wanted = {arm.against for arm in shown.arms} - {arm.name for arm in chosen.arms}
    seeds = sorted({arm.seed for arm in chosen.arms})
    others = [arm for arm in expand(chosen.study, chosen.scale, seeds) if arm.name in wanted] if wanted else []
    done = [arm for arm in others if chosen.folder(arm.job).state().name == "done"]
    return [*done, *shown.arms], {arm.name for arm in (*done, *shown.arms)}


def _delta(name: str, gap: Any, confidence: float) -> deltas.Delta:
    certain = gap["p_holm"] is not None and gap["p_holm"] < 1 - confidence
    return deltas.Delta(name, gap["difference"], gap["low"], gap["high"], certain)


def _by_epoch(row: ArmRow, table: dict[str, dict[int, dict[str, float]]], metric: str) -> lines.Line | None:
    """Return an arm's numbers at the epochs that all its seeds have; None for fewer than two."""
    seeds = [{epoch: one[metric] for epoch, one in table[job].items() if metric in one} for job in row.arm.jobs]
    epochs = sorted(set.intersection(*map(set, seeds)))
    if len(epochs) < 2:
        return None
    y, deviation = curves.summed_up([[seed[epoch] for epoch in epochs] for seed in seeds])
    return lines.Line(row.arm.name, epochs, y, deviation, len(seeds), row.arm.reference)


def _matched(shown: Shown, protocol: str, jobs: Sequence[str]) -> dict[str, list[float]]:
    """Return AP by OKS of some jobs, matched by the worker, those of one data set together."""
    selection = shown.selection
    words = ["matches", "--results", str(selection.results), "--cache", str(folders.cache_root())]
    words += ["--data", str(selection.data)] if selection.data else []
    together: dict[str, dict[str, None]] = {}
    for arm in shown.arms:
        if arm.job in jobs:
            together.setdefault(arm.config.dataset.model_dump_json(), {})[arm.job] = None
    asked = [{"jobs": list(some), "protocol": protocol, "groups": ["all"]} for some in together.values()]
    return {job: curve for one in asked for job, curve in curves.by_oks(ask(words, one)).items()}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
