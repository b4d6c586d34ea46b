"""The rule from a difference to a word, and of several words to an exit code."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchbox.cli.gate import gate
from benchbox.gates.declaration import read_gates
from benchbox.gates.judge import _spoken
from benchbox.gates.rule import Gain, each_confidence, needed, word
from benchbox.gates.verdict import CODES, exit_code
from benchbox.stats.compare import Comparison
from tests.gates import made

points = st.floats(-50, 50)


@pytest.mark.parametrize(
    ("gain", "tolerance", "expected"),
    [
        (Gain(0.1, -0.3, 0.5), 0.5, "passed"),
        (Gain(-0.4, -0.8, 0.0), 0.5, "passed"),
        (Gain(-0.6, -1.0, -0.2), 0.5, "regressed"),
        (Gain(0.6, 0.2, 1.0), 0.5, "improved"),
        (Gain(-3.0, -5.0, -1.0), 0.5, "regressed"),  # certain, though the floor of 2 is above the tolerance
        (Gain(-1.0, -3.0, 1.0), 0.5, "could not judge"),
        (Gain(3.0, 1.0, 5.0), 0.5, "could not judge"),  # an improvement is not believed below the floor
        (Gain(0.0, -0.1, 0.1, noise=1.3), 0.5, "could not judge"),
        (Gain(0.0, -0.5, 0.5, noise=0.5), 0.5, "passed"),
        (Gain(0.0, -9.0, 9.0, equal=True), 0.5, "passed"),
        (Gain(0.0, 0.0, 0.0), 0.0, "passed"),
        (Gain(-1.0, -1.0, -1.0), 0.0, "regressed"),
        (Gain(math.nan, -1.0, 1.0), 2.0, "could not judge"),
        (Gain(0.0, math.nan, 1.0), 2.0, "could not judge"),
        (Gain(0.0, -1.0, 1.0), math.nan, "could not judge"),
    ],
)
def test_the_rule(gain: Gain, tolerance: float, expected: str) -> None:
    assert word(gain, tolerance) == expected


def test_the_rule_is_told_alike_wherever_it_is_told(root: Path) -> None:
    said = " ".join((word.__doc__ or "").split("\n\n")[1].split())
    assert said.count(".") == 2
    for text in ((root / "README.md").read_text(encoding="utf-8"), gate.__doc__ or ""):
        assert said.rstrip(".") in " ".join(text.split())


@pytest.mark.parametrize(
    ("gain", "reason"),
    [
        (Gain(-5.08, -7.0, -3.16), "worse by 5.08, more than 5 points"),
        (Gain(-12.0, -18.9, -5.1), "certainly worse by more than 5 points"),
    ],
)
def test_a_regression_says_by_which_part_of_the_rule(gain: Gain, reason: str, tmp_path: Path) -> None:
    (declared,) = read_gates(made.declare(tmp_path, {"tolerance": "5"})).gates
    verdict = _spoken(declared, gain, 80.0 + gain.value, 80.0, "points", "")
    assert (verdict.outcome, verdict.reason) == ("regressed", reason)


@given(points, st.floats(0, 20), st.floats(0, 20), st.floats(0, 20))
def test_what_is_worse_by_more_than_the_tolerance_never_passes(
    value: float, half: float, noise: float, tolerance: float
) -> None:
    found = word(Gain(value, value - half, value + half, noise), tolerance)
    if value < -tolerance:
        assert found in ("regressed", "could not judge")
    if found in ("passed", "improved"):
        assert max(half, noise) <= tolerance + 1e-9
    if value + half < -tolerance:
        assert found == "regressed"


@given(st.floats(0.01, 20), st.floats(0, 5), st.floats(0, 5))
def test_noise_within_the_tolerance_is_no_regression(tolerance: float, half: float, noise: float) -> None:
    for value in (-tolerance, 0.0, tolerance):
        assert word(Gain(value, value - half, value + half, noise), tolerance) != "regressed" or half == 0


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 2.0, 3.0, 4.0])
def test_noise_alone_is_rarely_a_regression(tolerance: float) -> None:
    """Three trainings against three of the same network, of one point's deviation: at most 2.5 % (one side)."""
    draw = np.random.default_rng(5)
    before, now = draw.normal(80, 1, (2, 4000, 3))
    value = now.mean(axis=1) - before.mean(axis=1)
    half = stats.t.ppf(0.975, 4) * np.sqrt((before.var(axis=1, ddof=1) + now.var(axis=1, ddof=1)) / 3)
    noise = stats.t.ppf(0.975, 4) * before.std(axis=1, ddof=1) * np.sqrt(2 / 3)
    rows = zip(value.tolist(), half.tolist(), noise.tolist(), strict=True)
    found = [word(Gain(one, one - reach, one + reach, aa), tolerance) for one, reach, aa in rows]
    assert found.count("regressed") <= 0.025 * len(found)
    assert found.count("improved") <= 0.025 * len(found)
    judged = sum(one != "could not judge" for one in found) / len(found)
    assert judged < 0.5 if tolerance < 1.5 else judged > 0.5 if tolerance > 2.5 else True


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 3),
        (["passed"], 0),
        (["passed", "improved"], 0),
        (["passed", "could not judge"], 3),
        (["could not judge", "regressed", "passed"], 1),
        (["regressed"], 1),
    ],
)
def test_one_exit_code_of_many(outcomes: list[str], code: int) -> None:
    assert exit_code(outcomes) == code
    assert set(CODES) == {"passed", "improved", "regressed", "could not judge"}


def test_confidence_is_shared_among_gates() -> None:
    assert each_confidence(0.95, 1) == pytest.approx(0.95)
    assert each_confidence(0.95, 20) == pytest.approx(0.9975)


def comparison(half: float, variance: tuple[float, float, float, float], kind: str, seeds: int) -> Comparison:
    return Comparison(
        *(80.0, 80.0, 0.0, -half, half, 1.0, 1.0),
        confidence=0.95,
        seeds=(seeds, seeds),
        persons=300,
        images=300,
        kind=kind,
        variance=variance,
    )


def test_how_much_more_is_needed() -> None:
    nan = math.nan
    # a half-width falls with the root of the number: half of it needs four times as many
    assert needed(comparison(1.0, (nan, nan, 0.25, 0.0), "persons", 1), 0.0, 0.5) == "needs about 1,200 persons"
    of_seeds = comparison(1.0, (0.125, 0.125, 0.0, 0.0), "seeds and persons", 3)
    assert needed(of_seeds, 0.0, 0.5) == "needs about 12 seeds"
    assert needed(of_seeds, 2.0, 0.5) == "needs about 48 seeds"
    assert "persons" in needed(comparison(1.0, (0.01, 0.01, 0.3, 0.0), "seeds and persons", 3), 0.0, 0.2)
    assert "0" in needed(of_seeds, 0.0, 0.0)
