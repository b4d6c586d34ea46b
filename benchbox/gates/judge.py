"""Judge gates: resolve the two sides of each, compare them on the same persons, say what came of it."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchbox.errors import CannotJudge, nearest
from benchbox.gates import costs, printed, reference
from benchbox.gates.declaration import PAPER, Gate
from benchbox.gates.diagnosis import diagnose
from benchbox.gates.measured import Results
from benchbox.gates.persons import check_same
from benchbox.gates.rule import Gain, each_confidence, needed, word
from benchbox.gates.sides import Side, protocol_of
from benchbox.gates.verdict import COULD_NOT_JUDGE, IMPROVED, PASSED, REGRESSED, Diagnosis, Verdict
from benchbox.papers.read import Paper
from benchbox.stats.ap import ApSample
from benchbox.stats.compare import KINDS, Comparison, compare, noise
from benchbox.stats.pck import PckSample
from benchbox.stats.sample import Sample, Score

ONE_SEED = "one seed on a side: the interval is that of other persons, the noise of training is not covered"


@dataclass(frozen=True, eq=False)
class _Case:
    """A gate on a score with its two sides; `before` is None where a paper's number is held against."""

    gate: Gate
    now: Side
    before: Side | None
    protocol: str
    a: Sequence[Sample]
    b: Sequence[Sample]

    @property
    def score(self) -> Score:
        return self.gate.metric, self.gate.group

    @property
    def key(self) -> tuple[int, int, str, float, float]:
        """Return what gates share that are compared together."""
        printed_value = self.a[0].value if isinstance(self.a[0], printed.PrintedSample) else 0.0
        return id(self.before), id(self.now), self.protocol, self.gate.confidence, printed_value


@dataclass
class Judge:
    """Judge the gates of one file.

    Args:
        results: of the study. paper: that the study answers, if any.
        accept: the command that makes today's results the reference.
        confidence holds for all gates on scores together: each interval is wider by their number.
    """

    results: Results
    paper: Paper | None
    accept: str
    resamples: int | None = None
    read: dict[Path, Side | CannotJudge] = field(default_factory=dict)
    diagnosed: dict[tuple[int, int, str], Diagnosis] = field(default_factory=dict)

    def judge(self, gates: Sequence[Gate]) -> list[Verdict]:
        """Return a verdict for every gate, in their order."""
        found: list[Verdict | _Case] = [self._resolved(gate) for gate in gates]
        number = sum(not gate.is_cost for gate in gates)
        families: dict[tuple[int, int, str, float, float], list[_Case]] = {}
        for case in found:
            if isinstance(case, _Case):
                families.setdefault(case.key, []).append(case)
        compared = {key: self._compared(cases, number) for key, cases in families.items()}
        return [self._verdict(one, compared[one.key], number) if isinstance(one, _Case) else one for one in found]

    def _resolved(self, gate: Gate) -> Verdict | _Case:
        try:
            return self._cost(gate) if gate.is_cost else self._case(gate)
        except CannotJudge as problem:
            return Verdict(gate, COULD_NOT_JUDGE, str(problem))

    def _case(self, gate: Gate) -> _Case:
        now, protocol = self.results.side(gate.scale, gate.arm), self.results.protocol(gate)
        before = None if gate.against == PAPER else self._before(gate, now)
        b = now.samples(protocol)
        _check_group(gate, b[0].names, "results")
        _check_least(gate, "results", len(b), b[0].persons)
        if before is None:
            value = printed.cell(self.paper, self.results.study, gate)
            printed.check_protocol(protocol, self.paper.name if self.paper else "")
            # two of them, so that the measured seeds' noise counts and that of a number without noise adds nothing
            return _Case(gate, now, None, protocol, [printed.PrintedSample(b[0], value)] * 2, b)
        if protocol_of(gate.protocol, gate.metric, before.protocols, "the reference's scores") != protocol:
            raise CannotJudge(
                f"other protocols: the results are of {protocol}, the reference of {', '.join(before.protocols)}"
            )
        a = before.samples(protocol)
        _check_group(gate, a[0].names, "reference")
        _check_least(gate, "reference", len(a), a[0].persons)
        for whose, side in (("results", now), ("reference", before)):
            for training in side.trainings:
                if math.isnan(training.scores.get((protocol, gate.metric, gate.group), math.nan)):
                    raise CannotJudge(f"{gate.metric} of {gate.group}: the {whose} hold a NaN for seed {training.seed}")
        return _Case(gate, now, before, protocol, a, b)

    def _before(self, gate: Gate, now: Side) -> Side:
        """Return what a gate holds its arm against, of the same study, scale, arm and persons."""
        if isinstance(gate.against, Path):
            before = self._reference(gate.against)
            for key, is_now, was in (
                ("study", self.results.study, before.study),
                ("scale", gate.scale, before.scale),
                ("arm", gate.arm, before.arm),
            ):
                if is_now != was:
                    raise CannotJudge(
                        f'{gate.against}: is of {key} "{was}", the gate speaks of "{is_now}"; name another file in '
                        f"against = and write it: {self.accept}"
                    )
        else:
            name = self.results.arm(gate.scale, gate.arm).reference
            if name == gate.arm:
                raise CannotJudge(f'"{name}" is the reference arm itself; hold it against a committed reference')
            before = self.results.side(gate.scale, name)
            if _jobs(before) == _jobs(now):
                raise CannotJudge(f'"{gate.arm}" is the same network as its reference "{name}": nothing to compare')
        check_same(now.roll, before.roll)
        return before

    def _reference(self, path: Path) -> Side:
        if path not in self.read:
            try:
                self.read[path] = reference.read(path)
            except CannotJudge as problem:
                self.read[path] = problem
        found = self.read[path]
        if isinstance(found, CannotJudge):
            raise found
        return found

    def _compared(self, cases: Sequence[_Case], number: int) -> Mapping[Score, Comparison] | CannotJudge:
        first, names = cases[0], list(dict.fromkeys(case.score for case in cases))
        a, b = ([sample.only(names) for sample in side] for side in (first.a, first.b))
        confidence = each_confidence(first.gate.confidence, number)
        try:
            return compare(a, b, confidence=confidence, resamples=self.resamples)
        except CannotJudge as problem:
            return problem

    def _verdict(self, case: _Case, compared: Mapping[Score, Comparison] | CannotJudge, number: int) -> Verdict:
        gate = case.gate
        if isinstance(compared, CannotJudge) or case.score not in compared:
            reason = str(compared) if isinstance(compared, CannotJudge) else f"nobody counts for {gate.group}"
            return Verdict(gate, COULD_NOT_JUDGE, reason, case.protocol)
        found = compared[case.score]
        confidence, aa = each_confidence(gate.confidence, number), 0.0
        if case.before is not None and len(case.a) > 1:
            aa = noise([sample.only([case.score]) for sample in case.a], confidence=confidence)[case.score]
        equal = case.before is not None and _same_bits(case)
        gain = Gain(0.0 if equal else found.difference, found.low, found.high, aa, equal)
        verdict = _spoken(gate, gain, found.b, found.a, "points", self.accept)
        verdict = replace(
            verdict,
            protocol=case.protocol,
            seeds=(0 if case.before is None else found.seeds[0], found.seeds[1]),
            persons=found.persons,
            kind=found.kind if case.before is not None else KINDS[found.seeds[1] > 1],
            notes=(
                *((ONE_SEED,) if min(found.seeds) == 1 and not equal else ()),
                *self._other_jobs(gate, case.before, case.now),
            ),
        )
        if verdict.outcome == COULD_NOT_JUDGE:
            verdict = replace(verdict, reason=f"{verdict.reason}: {needed(found, aa, verdict.tolerance)}")
        if verdict.outcome in (REGRESSED, COULD_NOT_JUDGE) and case.before is not None:
            verdict = replace(verdict, diagnosis=self._diagnosed(case, case.before, confidence))
        return verdict

    def _diagnosed(self, case: _Case, before: Side, confidence: float) -> Diagnosis:
        key = (id(before), id(case.now), case.protocol)
        if key not in self.diagnosed:
            self.diagnosed[key] = diagnose(before, case.now, case.protocol, confidence)
        return self.diagnosed[key]

    def _cost(self, gate: Gate) -> Verdict:
        now = self.results.side(gate.scale, gate.arm)
        values = costs.values_of(now, gate.metric)
        if gate.against == PAPER:
            before, base = None, [printed.cell(self.paper, self.results.study, gate)]
        else:
            before = self._before(gate, now)
            base = costs.values_of(before, gate.metric)
            costs.check_device(gate.metric, before, now)
        for whose, side in (("results", now), ("reference", before)):
            if side is not None:
                _check_least(gate, whose, len(side.trainings), gate.persons)
        gain = costs.gain(base, values, gate.confidence)
        verdict = _spoken(
            gate, gain, float(np.mean(values)), float(np.mean(base)), costs.UNITS[gate.metric], self.accept
        )
        seeds = (len(before.trainings) if before else 0, len(now.trainings))
        return replace(verdict, seeds=seeds, notes=self._other_jobs(gate, before, now))

    def _other_jobs(self, gate: Gate, before: Side | None, now: Side) -> tuple[str, ...]:
        """Say so where a reference is of an arm of this name whose options were others, and what shows which."""
        if before is None or not isinstance(gate.against, Path):
            return ()
        old, new = _jobs(before), _jobs(now)
        if all(old[seed] == new[seed] for seed in old.keys() & new.keys()):
            return ()
        return (f"{OTHER_OPTIONS}; {_difference(before, self.results.arm(gate.scale, gate.arm).study)}",)


OTHER_OPTIONS = "the arm's options are not those that the reference was made with"


def _spoken(gate: Gate, gain: Gain, measured: float, base: float, unit: str, accept: str) -> Verdict:
    """Put a gain into a verdict; of costs the sign turns, since more is worse."""
    tolerance = gate.tolerance.of(base)
    outcome, sign = word(gain, tolerance), -1 if gate.is_cost else 1
    low, change, high = sorted(sign * value + 0.0 for value in (gain.low, gain.value, gain.high))
    more = f"more than {tolerance:.4g} {unit}"
    worse = "certainly worse by" if gain.certainly_worse(tolerance) else f"worse by {-gain.value:.4g},"
    reasons = {
        PASSED: "the same to the bit" if gain.equal else f"within {tolerance:.4g} {unit} of the reference",
        IMPROVED: f"better by {more}",
        REGRESSED: f"{worse} {more}",
        COULD_NOT_JUDGE: f"tolerance {tolerance:.4g} is below the noise floor {gain.floor:.4g}",
    }
    if outcome == PASSED and gain.high < 0 and gain.low < -tolerance:
        reasons[PASSED] += "; worse beyond noise, and perhaps by more than the tolerance"
    if outcome == IMPROVED and isinstance(gate.against, Path):
        reasons[IMPROVED] += f"; accept it with: {accept}"
    return Verdict(gate, outcome, reasons[outcome], "", measured, base, change, low, high, gain.floor, tolerance)


def _jobs(side: Side) -> dict[int, str]:
    return {training.seed: training.job for training in side.trainings}


def _difference(before: Side, study: Path) -> str:
    """Return the command that shows what became of a study since a reference of it was made."""
    commit = before.provenance.get("commit")
    if not (isinstance(commit, str) and re.fullmatch("[0-9a-f]{7,64}", commit)):
        return "no commit is on record that would show which"
    # a study elsewhere may lie in another checkout than the one that the user stands in, who may stand in none
    words = ["-C", str(study.parent)] if str(study.parent) != "." else []
    return f"see which: {shlex.join(['git', *words, 'diff', commit[:12], '--', study.name])}"


def _same_bits(case: _Case) -> bool:
    """Tell whether both sides' trainings, seed by seed, found the same."""
    if case.before is None or case.before.seeds != case.now.seeds:
        return False
    return all(
        _equal(one.only([case.score]), other.only([case.score])) for one, other in zip(case.a, case.b, strict=True)
    )


def _equal(one: Sample, other: Sample) -> bool:
    if isinstance(one, PckSample) and isinstance(other, PckSample):
        return np.array_equal(one.hits, other.hits) and np.array_equal(one.counts, other.counts)
    if isinstance(one, ApSample) and isinstance(other, ApSample):
        keys = ("image", "scores", "matched", "ignored", "positives")
        pairs = [(matches, other.matches[group]) for group, matches in one.matches.items()]
        return all(np.array_equal(getattr(a, key), getattr(b, key)) for a, b in pairs for key in keys)
    return False


def _check_group(gate: Gate, names: Sequence[Score], whose: str) -> None:
    if (gate.metric, gate.group) not in names:
        groups = [group for metric, group in names if metric == gate.metric]
        raise CannotJudge(f"{gate.metric} of {gate.group}: the {whose} have none{nearest(gate.group, groups)}")


def _check_least(gate: Gate, whose: str, seeds: int, persons: int) -> None:
    if seeds < gate.seeds:
        enough = ",".join(map(str, range(gate.seeds)))
        more = f"; --seeds {enough} judges as many" if whose == "results" else ""
        raise CannotJudge(f"the gate asks for {gate.seeds} seeds, the {whose} have {seeds}{more}")
    if persons < gate.persons:
        raise CannotJudge(f"the gate asks for {gate.persons} persons, the {whose} have {persons}")
