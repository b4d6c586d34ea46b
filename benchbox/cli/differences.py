"""Ask the worker to compare results, and say how it did."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchbox.cli import folders
from benchbox.cli.ask import ask

Row = dict[str, Any]


@dataclass(frozen=True)
class How:
    """How results are compared: by which protocols and groups, with which confidence; see the worker's `Asked`."""

    protocols: Sequence[str] = ()
    mixed: bool = False
    kinds: Sequence[str] = ("all", "pair")
    confidence: float = 0.95
    resamples: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Answer:
    """The comparisons of two sides, or why there are none.

    Args:
        rows: protocol, metric, group, the fields of `stats.compare.Comparison` (None for NaN) and its word.
        problem: one line, empty where there is none.
    """

    rows: list[Row]
    problem: str


_KEPT: ContextVar[dict[str, Answer] | None] = ContextVar("kept", default=None)


def compared(pairs: Sequence[tuple[Sequence[str], Sequence[str]]], how: How, results: Path) -> list[Answer]:
    """Compare pairs of sides, each one or several jobs (seeds) or saved predictions; p_holm as `holm.family` says."""
    kept = _KEPT.get()
    kept = {} if kept is None else kept
    by_key = {repr((list(a), list(b), how, results)): (list(a), list(b)) for a, b in pairs}
    new = {key: pair for key, pair in by_key.items() if key not in kept}
    if new:
        words = ["compare", "--results", str(results), "--cache", str(folders.cache_root())]
        data = folders.data_root()
        answers = ask([*words, *(["--data", str(data)] if data else [])], {"pairs": list(new.values()), **asdict(how)})
        for key, one in zip(new, answers, strict=True):
            kept[key] = Answer([_plain(row) for row in one.get("rows", ())], one.get("problem", ""))
    return [kept[repr((list(a), list(b), how, results))] for a, b in pairs]


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Keep what `compared` answers until the end, so that nothing inside is compared twice."""
    before = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(before)


def spreads(jobs: Sequence[str], kinds: Sequence[str], results: Path) -> list[Row]:
    """Return how far each job's scores would move on other persons: job, protocol, metric, group, half (points)."""
    words = ["spread", "--results", str(results), "--cache", str(folders.cache_root())]
    data = folders.data_root()
    rows: list[Row] = ask(
        [*words, *(["--data", str(data)] if data else [])], {"jobs": list(jobs), "kinds": list(kinds)}
    )
    return rows


def methods(rows: Iterable[Row]) -> list[str]:
    """Say by which methods intervals and p were made, and what they do not speak of."""
    rows, notes = list(rows), []
    drawn = " and ".join(f"{number:,}" for number in dict.fromkeys(row["resamples"] for row in rows))
    for a, b in dict.fromkeys(tuple(row["seeds"]) for row in rows):
        if min(a, b) > 1:
            notes.append(
                f"{a} and {b} seeds: Student's t with the variance of seeds and persons ({drawn} bootstrap samples of "
                "the images)."
            )
        elif max(a, b) > 1:
            notes.append(
                f"{a} and {b} seeds: one seed on a side says nothing of training's noise; t from {drawn} bootstrap "
                "samples of the images speaks of these trained networks on other persons."
            )
        else:
            notes.append(
                "One seed each: this says nothing of training's noise. Intervals are a paired bootstrap over images "
                f"({drawn} samples), p is a permutation test (as many, or more where few cannot tell); both speak of "
                "these trained networks on other persons."
            )
    return notes


def _plain(row: Row) -> Row:
    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(one) for one in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    return {key: known(value) for key, value in row.items()}
