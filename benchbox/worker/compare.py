"""Compare results on record: jobs and saved predictions, two sides of one or several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchbox import records, saved
from benchbox.errors import CannotJudge
from benchbox.jobdir import JobDir
from benchbox.metrics.protocol import Protocol, parse
from benchbox.stats.compare import Comparison, compare
from benchbox.stats.sample import Sample
from benchbox.worker.judge import ground_of_saved
from benchbox.worker.samples import sample_of
from benchbox.worker.score import Ground
from benchbox.worker.source import ground_of, open_source


@dataclass(frozen=True)
class Asked:
    """What is compared, and how.

    Args:
        protocols: those that both sides were scored by when empty; they need not say how predictions were made.
        mixed: compare predictions made in different ways.
        kinds: of groups.
        confidence, resamples, seed: see `benchbox.stats.compare.compare`.
    """

    protocols: Sequence[str] = ()
    mixed: bool = False
    kinds: Sequence[str] = ("all", "pair")
    confidence: float = 0.95
    resamples: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """A result on record: its persons, what they are scored against, the protocols of its scores."""

    name: str
    people: pa.Table
    ground: Ground
    scored: list[Protocol]


@dataclass
class Records:
    """Results as they are asked for, each read and made a sample once.

    Args:
        results: folder.
        data, cache: where data sets lie.
    """

    results: Path
    data: Path | None
    cache: Path
    read: dict[str, Result] = field(default_factory=dict)
    samples: dict[tuple[str, str, tuple[str, ...]], Sample] = field(default_factory=dict)

    def result(self, name: str) -> Result:
        """Return a job by its id or saved predictions by their name.

        Raises: CannotJudge for a job without a result; InvalidInput for damaged records.
        """
        if name not in self.read:
            folder = JobDir.of(self.results, name, self.data)
            if folder.path.is_dir():
                attempt = folder.result()
                if attempt is None:
                    raise CannotJudge(f"{name}: has no result yet")
                config = folder.read()
                ground, tables = ground_of(config, open_source(config, self.data, self.cache)), attempt.table
            else:
                kept = saved.find(self.results, name)
                ground, tables = ground_of_saved(kept), kept.table
            scores = records.load(tables("scores"), "scores")["protocol"].to_pylist()
            people = records.load(tables("people"), "people")
            self.read[name] = Result(name, people, ground, [parse(text) for text in dict.fromkeys(scores)])
        return self.read[name]

    def sample(self, name: str, protocol: Protocol, kinds: tuple[str, ...]) -> Sample:
        """Return one result's sample; see `samples.sample_of`."""
        key = (name, str(protocol), kinds)
        if key not in self.samples:
            one = self.result(name)
            self.samples[key] = sample_of(one.people, one.ground, protocol, kinds)
        return self.samples[key]


def compare_pairs(
    kept: Records, pairs: Sequence[tuple[Sequence[str], Sequence[str]]], asked: Asked
) -> list[dict[str, Any]]:
    """Compare the two sides of every pair, each one or several results that differ in their seed alone.

    Returns:
        for each pair, "rows": protocol, metric, group and the fields of `stats.compare.Comparison` with its word, or
        "problem": why it cannot be compared.
    """
    answers: list[dict[str, Any]] = []
    for a, b in pairs:
        try:
            answers.append({"rows": _rows(kept, a, b, asked)})
        except CannotJudge as problem:
            answers.append({"problem": str(problem)})
    return answers


def _rows(kept: Records, a: Sequence[str], b: Sequence[str], asked: Asked) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], Comparison] = {}
    kinds = tuple(asked.kinds)
    protocols = _protocols([kept.result(name) for name in (*a, *b)], asked)
    for by_name in protocols:
        try:
            sides = [[kept.sample(name, by_name[name], kinds) for name in side] for side in (a, b)]
        except CannotJudge:
            if asked.protocols or len(protocols) == 1:
                raise
            continue  # a score of AP has no pairs of joints, and PCKh of detected persons nobody
        name = " | ".join(dict.fromkeys(str(protocol) for protocol in by_name.values()))
        some = compare(*sides, confidence=asked.confidence, resamples=asked.resamples, seed=asked.seed)
        found |= {(name, metric, group): one for (metric, group), one in some.items()}
    if not found:
        raise CannotJudge(f"no scores by {', '.join(kinds)}")
    return [
        {"protocol": protocol, "metric": metric, "group": group, **asdict(one), "word": one.word}
        for (protocol, metric, group), one in found.items()
    ]


def _protocols(results: Sequence[Result], asked: Asked) -> list[dict[str, Protocol]]:
    """Return the protocols to compare by, each by the name of the result: they may differ in the predictions' part.

    Raises: CannotJudge where the results share none.
    """
    common = [replace(protocol, prediction=()) for protocol in results[0].scored]
    common = [
        one for one in common if all(one in [replace(p, prediction=()) for p in other.scored] for other in results)
    ]
    wanted = [parse(text) for text in asked.protocols] or list(dict.fromkeys(common))
    found = []
    for one in wanted:
        by_name = {result.name: one.made_by(result.ground.prediction) for result in results}
        made = list(dict.fromkeys(map(str, by_name.values())))
        if len(made) > 1 and not asked.mixed:
            raise CannotJudge(
                f"other protocols: {made[0]} and {made[1]}; --mixed-protocols compares predictions made in other ways"
            )
        found.append(by_name)
    if not found:
        shown = [", ".join(map(str, result.scored)) or "none" for result in (results[0], results[-1])]
        raise CannotJudge(f"no protocol in common: {results[0].name} has {shown[0]}; {results[-1].name} {shown[1]}")
    return found
