"""What a study can see: from recorded variance, the seeds, persons and hours that an effect takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchbox import costs
from benchbox.cli import early, folders
from benchbox.cli.counts import count_networks
from benchbox.cli.differences import How, Row, compared
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.study import Selection, estimates
from benchbox.console import duration, many, note
from benchbox.errors import OK, CannotJudge
from benchbox.plan import jobs
from benchbox.report.tables import PRIMARY
from benchbox.stats.compare import Comparison
from benchbox.stats.power import (
    CONFIDENCE,
    MOST_SHARE,
    POWER,
    Spread,
    least_effect,
    seeds_needed,
    share_needed,
    spread_of,
)


@dataclass(frozen=True)
class Recorded:
    """What is recorded of one arm beside its reference: their comparison and the spread in it."""

    arm: str
    against: str
    protocol: str
    metric: str
    comparison: Comparison
    spread: Spread


def needed(chosen: Selection, effect: float, format: str) -> int:
    """Print for every arm what it takes to see an effect, in points of the primary metric."""
    early.effect(effect)
    found = recorded(chosen)
    seconds = _seconds(chosen)
    planned = len({arm.seed for arm in chosen.arms})
    rows = [_row(one, effect, planned, seconds) for one in found]
    device = "GPU" if folders.gpus() else "CPU"
    columns = [
        Column("arm", "Arm"),
        Column("recorded", "Seeds on record", show=lambda value: " and ".join(map(str, value))),
        Column("seed_deviation", "Std. dev. by seeds", right=True, show=_points),
        Column("persons_deviation", "By persons", right=True, show=_points),
        Column("sees", f"Detectable with {many(planned, 'seed')}", right=True, show=_points),
        Column("seeds", "Seeds needed", right=True),
        Column("persons", f"Or persons, with {many(planned, 'seed')}", right=True, show=lambda value: f"{value:,}"),
        Column("hours", f"{device} time", right=True, show=lambda value: duration(3600 * value)),
    ]
    meta: dict[str, Any] = {"schema": 1, "kind": "power", "study": str(chosen.study.path), "scale": chosen.scale}
    meta |= {"effect": effect, "power": POWER, "metric": found[0].metric, "protocol": found[0].protocol}
    note(f"{chosen.study.path.name} at scale {chosen.scale} ({chosen.reason})")
    emit(
        format,
        f"{chosen.study.title}: what it takes to detect a difference of {effect:g}",
        columns,
        rows,
        meta,
        _notes(found, rows, seconds, planned, device),
    )
    return OK


def warn(chosen: Selection) -> None:
    """Say in one line where recorded variance tells that the study's seeds cannot show the effect it looks for."""
    effect = chosen.study.effect
    if effect is None:
        return
    try:
        found = recorded(chosen)
    except CannotJudge:
        return  # nothing is recorded yet
    planned = len({arm.seed for arm in chosen.arms})
    sees = [least_effect(one.spread, planned, images=one.comparison.images) for one in found]
    blind = [least for least in sees if least > effect]
    if blind:
        least = (
            f"only {max(blind):.2f} or more" if math.isfinite(max(blind)) else "nothing beyond the noise of training"
        )
        note(
            f"{chosen.study.path}: looks for {effect:g} points of {found[0].metric}; with {planned} "
            f"seed{'s' if planned > 1 else ''}, {len(blind)} of {len(found)} arms can show {least}: "
            f"benchbox plan {chosen.study.path} --effect {effect:g}"
        )


def recorded(chosen: Selection) -> list[Recorded]:
    """Compare the arms that have results with their references, by the primary metric.

    Raises: CannotJudge where nothing is recorded, with how to get it.
    """
    done = {job: chosen.folder(job).result() is not None for job in jobs(chosen.arms)}
    of_arm: dict[str, list[str]] = {}
    for arm in chosen.arms:
        of_arm.setdefault(arm.name, []).extend([arm.job] if done[arm.job] else [])
    against = {arm.name: arm.against for arm in chosen.arms if not arm.reference}
    names = [name for name in against if of_arm[name] and of_arm.get(against[name])]
    where = f"{chosen.study.path} at scale {chosen.scale}"
    again = f"benchbox run {chosen.study.path} --scale {chosen.scale} --seeds 0,1,2"
    missing = {name for name in against.values()} - {arm.name for arm in chosen.arms}
    if missing:
        raise CannotJudge(f"{where}: --only leaves out the reference {', '.join(sorted(missing))}; name it, too")
    if not names:
        raise CannotJudge(f"{where}: no recorded variance: no results of a reference and another arm; first {again}")
    answers = compared(
        [(of_arm[against[name]], of_arm[name]) for name in names], How(mixed=True, kinds=("all",)), chosen.results
    )
    rows = {name: answer.rows for name, answer in zip(names, answers, strict=True) if answer.rows}
    if not rows:
        raise CannotJudge(f"{where}: no recorded variance: {answers[0].problem}")
    metric, protocol = _primary([row for some in rows.values() for row in some])
    found = []
    for name, some in rows.items():
        for row in some:
            if (row["metric"], row["protocol"]) == (metric, protocol):
                one = _comparison(row)
                found.append(Recorded(name, against[name], protocol, metric, one, spread_of(one)))
    return found


def _primary(rows: Sequence[Row]) -> tuple[str, str]:
    metric = next(metric for metric in PRIMARY if any(row["metric"] == metric for row in rows))
    return metric, next(row["protocol"] for row in rows if row["metric"] == metric)


def _comparison(row: Row) -> Comparison:
    fields = {name: row[name] for name in Comparison.__dataclass_fields__}
    variance = tuple(math.nan if part is None else part for part in row["variance"])
    return Comparison(**fields | {"seeds": tuple(row["seeds"]), "variance": variance})


def _row(one: Recorded, effect: float, planned: int, seconds: dict[str, float]) -> dict[str, Any]:
    images, spread = one.comparison.images, one.spread
    sees = least_effect(spread, planned, images=images)
    seeds = seeds_needed(spread, effect, images=images)
    share = share_needed(spread, effect, planned, images=images)
    return {
        "arm": one.arm,
        "against": one.against,
        "recorded": list(one.comparison.seeds),
        "seed_deviation": None if math.isnan(spread.seed) else math.sqrt(spread.seed),
        "persons_deviation": math.sqrt(spread.persons),
        "sees": sees if math.isfinite(sees) else None,
        "seeds": seeds or None,
        "persons": math.ceil(one.comparison.persons * share) if math.isfinite(share) else None,
        "hours": round(seeds * (seconds[one.arm] + seconds[one.against]) / 3600, 6) if seeds else None,
    }


def _seconds(chosen: Selection) -> dict[str, float]:
    """Return the seconds that one training of each arm takes, measured or by the rate of those that were."""
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    counted = count_networks([arm.config for arm in chosen.arms])
    seconds = estimates(chosen, states, {costs.key(arm.config): counted[costs.key(arm.config)] for arm in chosen.arms})
    return {arm.name: seconds[arm.job] for arm in chosen.arms}


def _notes(
    found: Sequence[Recorded], rows: Sequence[dict[str, Any]], seconds: dict[str, float], planned: int, device: str
) -> list[str]:
    persons = sorted({one.comparison.persons for one in found})
    notes = [
        f"Points of {found[0].metric}, {found[0].protocol}, at a power of {100 * POWER:g} % (so many of 100 studies "
        f"find such a difference) and an alpha of {100 * (1 - CONFIDENCE):.0f} % (so many find one where "
        f"there is none). On record: {persons[-1]:,} persons.",
        f"Detectable: the least difference that the plan's seeds can show. {device} time: of the arm's and its "
        "reference's trainings, one after the other.",
    ]
    if any(math.isnan(one.spread.seed) for one in found):
        notes.append(
            "One seed on record: only the persons' variance is known, and what is seen is a difference of these "
            "trained networks; run with --seeds 0,1,2 to learn the noise of training."
        )
    if any(row["seeds"] is None for row in rows):
        notes.append("No number of seeds: the persons on record are too few for this effect.")
    if any(row["persons"] is None for row in rows):
        notes.append(
            f"No number of persons: with {many(planned, 'seed')}, {MOST_SHARE:,} times as many as on record are too "
            "few."
        )
    most = max((row["seeds"] or 0 for row in rows), default=0)
    if most:
        total = duration(most * sum(seconds.values()))
        notes.append(f"The whole study with {most} seed{'s' if most > 1 else ''}: about {total} at measured speed.")
    return notes


def _points(value: float) -> str:
    return f"{value:.2f}"
