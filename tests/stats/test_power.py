"""What an effect takes, against scipy's noncentral t, closed forms and simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchbox.stats.compare import compare
from benchbox.stats.power import Spread, least_effect, seeds_needed, share_needed, spread_of
from tests.stats.people import drawn, judged

ALL = ("PCKh", "all")


def power_of_t(effect: float, deviation: float, n: int) -> float:
    """Power of the two-sample t-test at 95 %, the far tail left out."""
    freedom = 2 * n - 2
    return float(stats.nct.sf(stats.t.ppf(0.975, freedom), freedom, effect / deviation * (n / 2) ** 0.5))


@pytest.mark.parametrize(("effect", "deviation"), [(1.0, 1.0), (0.3, 0.25), (2.0, 1.0), (5.0, 1.0)])
def test_seeds_alone_are_planned_as_for_a_t_test(effect: float, deviation: float) -> None:
    spread = Spread(deviation**2, 0.0, 0.0)
    needed = seeds_needed(spread, effect, images=2000)
    assert needed == next(n for n in range(2, 1000) if power_of_t(effect, deviation, n) >= 0.8)
    least = least_effect(spread, needed, images=2000)
    assert least <= effect
    assert power_of_t(least, deviation, needed) == pytest.approx(0.8, abs=1e-3)


def test_persons_alone_are_planned_as_for_a_z_test() -> None:
    spread = Spread(float("nan"), 0.04, 0.0)
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert least_effect(spread, 1, images=100_000) == pytest.approx(0.2 * reach, rel=1e-3)
    assert share_needed(spread, 0.1 * reach, 1, images=100_000) == pytest.approx(4, rel=1e-3)
    assert seeds_needed(spread, 0.3 * reach, images=100_000) == 1
    assert seeds_needed(spread, 0.1 * reach, images=100_000) == 0


def test_what_no_seed_and_what_no_person_can_mend() -> None:
    spread = Spread(seed=0.09, persons=0.04, both=0.0)
    assert least_effect(spread, 1, images=2000) == float("inf")
    assert seeds_needed(spread, 0.3, images=2000) == 0  # the persons' 0.2 points stay
    assert 2 < seeds_needed(spread, 0.3, 100.0, images=2000) < 100
    assert share_needed(spread, 0.3, 3, images=2000) == float("inf")  # the seeds' 0.3 points stay
    many = [least_effect(spread, n, images=2000) for n in (2, 3, 5, 10, 1000)]
    assert many == sorted(many, reverse=True)


def test_the_spread_of_one_training_comes_back_from_any_number_of_seeds() -> None:
    """Mean spreads of comparisons of 2 and of 6 seeds a side agree: the same trainings, the same persons."""
    rng = np.random.default_rng(0)
    found: dict[int, list[list[float]]] = {2: [], 6: []}
    for number, studies in ((2, 200), (6, 60)):
        for _ in range(studies):
            trained, image = drawn(rng, trainings=2 * number, persons=150, seed_noise=0.2)
            samples = [judged(errors, image).only([ALL]) for errors in trained]
            spread = spread_of(compare(samples[:number], samples[number:], resamples=150)[ALL])
            found[number].append([spread.seed, spread.persons, spread.both])
    few, many = (np.mean(found[number], axis=0) for number in (2, 6))
    assert few == pytest.approx(many, rel=0.2)
    single = compare(samples[:1], samples[1:2], resamples=150)[ALL]
    assert np.isnan(spread_of(single).seed)
    assert spread_of(single).persons == single.variance[2]
    half = spread_of(compare(samples[:1], samples[1:4], resamples=150)[ALL])
    assert half.seed == pytest.approx(
        np.var([one.replicate(np.ones((1, image.max() + 1)))[0] for one in samples[1:4]], ddof=1)
    )
