"""The verb that compares two results, and the comparisons that tables show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchbox import saved
from benchbox.cli import early, early_results
from benchbox.cli.differences import How, Row, compared, methods
from benchbox.cli.finished import Side, arm_side, tell_stale
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.scores import check_group
from benchbox.errors import OK, CannotJudge
from benchbox.jobdir import JobDir
from benchbox.stats.holm import family

SHORT = {"no difference seen": "none"}
"""Words as a table has them, which has no room for more."""


@dataclass(frozen=True)
class Compared:
    """Two sides, how they were compared, and a row for every score; see `differences.Answer`."""

    a: Side
    b: Side
    how: How
    rows: list[Row]


def compare(
    a: str,
    b: str,
    *,
    scale: str | None,
    by: str | None,
    how: Mapping[str, Any],
    results: Path,
    format: str,
    seeds: str | None = None,
) -> int:
    """Compare two results and print every score's difference with its interval."""
    done = comparison(a, b, scale=scale, by=by, how=how, results=results, seeds=seeds)
    meta = {"schema": 1, "kind": "compare", "a": asdict(done.a), "b": asdict(done.b)}
    meta |= {"confidence": done.how.confidence, "resamples": done.how.resamples, "seed": done.how.seed}
    title = f"{done.b.name} against {done.a.name}"
    emit(format, title, _columns(), done.rows, meta, footnotes(done))
    return OK


def comparison(
    a: str,
    b: str,
    *,
    scale: str | None,
    by: str | None,
    how: Mapping[str, Any],
    results: Path,
    seeds: str | None = None,
) -> Compared:
    """Compare two results, each named as a user does.

    Args: by: a kind of group; whole-set scores and pairs of joints when None. how: fields of `How`. seeds: as typed, of
        arms; their study's own when None.

    Raises: InvalidInput for an unknown name, CannotJudge for other persons, protocols or no result.
    """
    asked = How(**how, kinds=("all", check_group(by)) if by else ("all", "pair"))
    early.confidence(asked.confidence)
    early.seeds_of_sides(a, b, seeds)
    sides = [_side(text, scale, seeds, results) for text in (a, b)]
    of = [_data_set(side.results[0], results) for side in sides]
    if of[0] != of[1] and "synthetic" not in of:  # predictions for embedded persons are saved as coco's or mpii's
        raise CannotJudge(f"{a} is of {of[0]}, {b} of {of[1]}: other persons; give two results of one data set")
    _refuse_other_ways([side.results[0] for side in sides], asked, results)
    (answer,) = compared([(sides[0].results, sides[1].results)], asked, results)
    if answer.problem:
        raise CannotJudge(f"{a} and {b} cannot be compared: {answer.problem}")
    return Compared(sides[0], sides[1], asked, answer.rows)


def footnotes(done: Compared) -> list[str]:
    """Say what was compared and by which method."""
    rows, how = done.rows, done.how
    level = f"{100 * how.confidence:g} %"
    counts = dict.fromkeys(f"{row['persons']:,} persons in {row['images']:,} images" for row in rows)
    notes = [
        f"A: {done.a.name}. B: {done.b.name}.",
        f"Difference: B - A in points, with its {level} interval. {', '.join(counts)}, the same on both sides.",
        f"better, worse: p is below {1 - how.confidence:.2g} after Holm's adjustment over the rows of the same "
        "protocol, metric and kind of group. none: no difference is seen, which does not say that there is none.",
    ]
    return notes + _unclear(done) + methods(rows)


def _unclear(done: Compared) -> list[str]:
    """Say of rows whose p cannot be small enough for their family how it could."""
    rows = [row for row in done.rows if row["word"] == "unclear"]
    if not rows:
        return []
    most = max(Counter((row["protocol"], *family(row["metric"], row["group"])) for row in done.rows).values())
    enough = math.ceil(most / (1 - done.how.confidence))
    return [f"unclear: p is the least that so few permutations can give; try --resamples {enough}."]


def _columns() -> list[Column]:
    return [
        Column("protocol", "Protocol"),
        Column("metric", "Metric"),
        Column("group", "Group"),
        Column("a", "A", right=True, show=lambda value: f"{value:.2f}"),
        Column("b", "B", right=True, show=lambda value: f"{value:.2f}"),
        Column("difference", "B - A", right=True, show=lambda value: f"{value:+.2f}"),
        Column("low", "From", right=True, show=lambda value: f"{value:+.2f}"),
        Column("high", "To", right=True, show=lambda value: f"{value:+.2f}"),
        Column("p", "p", right=True, show=_chance),
        Column("p_holm", "p (Holm)", right=True, show=_chance),
        Column("word", "Found", show=lambda word: SHORT.get(word, word)),
    ]


def _chance(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "<0.0001"


def _data_set(result: str, results: Path) -> str:
    """Return the data set of a job's or of saved predictions' persons."""
    if result in saved.names(results):
        return saved.find(results, result).data_set()
    return JobDir.of(results, result).read().dataset.name


def _refuse_other_ways(names: Sequence[str], how: How, results: Path) -> None:
    """Refuse two sets of saved predictions that were made in other ways, before anything is computed."""
    kept = [saved.find(results, name).read()["prediction"] for name in names if name in saved.names(results)]
    if len(kept) == 2 and kept[0] != kept[1] and not how.mixed:
        ways = " and ".join("/".join(map(str, way)) for way in kept)
        raise CannotJudge(f"{' and '.join(names)} were made in other ways, {ways}; --mixed-protocols compares them")


def _side(text: str, scale: str | None, seeds: str | None, results: Path) -> Side:
    """Find what a user's word names: STUDY.toml:ARM, saved predictions, or a job by the beginning of its id."""
    file, mark, arm = text.partition(".toml:")
    if mark:
        return arm_side(Path(f"{file}.toml"), arm, scale, results, seeds)
    found = early_results.result(text, scale, results)
    if found in saved.names(results):
        return Side(found, (found,))
    if JobDir.of(results, found).result() is None:
        raise CannotJudge(f"{text}: job {found} has no result yet; see benchbox logs {found}")
    tell_stale([found], results)
    return Side(found, (found,))
