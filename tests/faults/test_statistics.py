"""A thousand simulated studies: how often noise is taken for a gain, and a gain for noise."""

from __future__ import annotations

import numpy as np
import pytest

from benchbox.stats.compare import compare
from tests.stats.people import drawn, judged

pytestmark = pytest.mark.faults

ALL = ("PCKh", "all")
STUDIES = 1000


@pytest.mark.parametrize(("seeds", "seed_noise"), [(1, 0.0), (3, 0.15)])
def test_trainings_alike_are_flagged_as_often_as_promised(seeds: int, seed_noise: float) -> None:
    """A/A at 95 %: both the interval without zero and p below 0.05 come in 3.0 to 6.5 of 100 studies."""
    rng = np.random.default_rng(20)
    outside = small = 0
    for _ in range(STUDIES):
        trained, image = drawn(rng, trainings=2 * seeds, persons=240, joints=16, seed_noise=seed_noise)
        samples = [judged(errors, image).only([ALL]) for errors in trained]
        one = compare(samples[:seeds], samples[seeds:], resamples=600)[ALL]
        outside += not one.low <= 0 <= one.high
        small += one.p < 0.05
    print(f"A/A, {seeds} seeds: {outside} outside, {small} small of {STUDIES}")
    assert 0.030 <= outside / STUDIES <= 0.065
    assert 0.030 <= small / STUDIES <= 0.065


def test_a_planted_effect_is_found() -> None:
    """0.3 points over 3,000 persons where the two sides disagree on 1 % of the joints."""
    rng, persons, joints, found = np.random.default_rng(21), 3000, 16, 0
    image = np.unique(np.sort(rng.integers(0, 2700, persons)), return_inverse=True)[1]
    studies = 200
    for _ in range(studies):
        first = rng.uniform(size=(persons, joints)) < np.clip(rng.normal(0.85, 0.15, persons), 0, 1)[:, None]
        kind = rng.uniform(size=first.shape)
        # Where the sides disagree (1 % of all joints), b is right in 65 of 100: 0.65 % - 0.35 % = 0.3 points.
        share_right = first.mean()
        gained = ~first & (kind < 0.0065 / (1 - share_right))
        lost = first & (kind < 0.0035 / share_right)
        second = (first | gained) & ~lost
        sides = [judged(np.where(hits, 0.1, 0.9), image).only([ALL]) for hits in (first, second)]
        one = compare([sides[0]], [sides[1]], resamples=600)[ALL]
        found += one.p < 0.05 and one.low > 0
    print(f"planted 0.3 points: {found} of {studies} found")
    assert found / studies >= 0.95
