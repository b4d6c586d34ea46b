"""Intervals, p-values and their adjustment, against enumeration, closed forms and scipy."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchbox.errors import CannotJudge
from benchbox.stats.compare import Comparison, compare, noise
from benchbox.stats.holm import by_family, family, holm
from benchbox.stats.resample import bootstrap, p_value, permutation
from benchbox.stats.variance import variances
from tests.stats.people import drawn, judged

ALL = ("PCKh", "all")


def errors_of(hits: np.ndarray) -> np.ndarray:
    """Errors of which just these joints are found."""
    return np.where(hits, 0.1, 0.9)


def one_joint(hits: list[int] | np.ndarray):
    """A sample of one score, the mean of persons in images of their own."""
    hits = np.asarray(hits, bool)
    sample = judged(errors_of(np.repeat(hits[:, None], 16, axis=1)), np.arange(len(hits)))
    return sample.only([ALL])


def test_the_bootstrap_of_a_mean_has_its_closed_form() -> None:
    """The variance of a bootstrapped mean of I images is their variance / I; drawn twice alike."""
    hits = np.random.default_rng(0).uniform(size=80) < 0.3
    first, second = bootstrap([one_joint(hits), one_joint(hits)], 20_000, seed=5)
    np.testing.assert_array_equal(first, second)
    assert first.mean() == pytest.approx(100 * hits.mean(), abs=0.15)
    assert first.var() == pytest.approx(100**2 * hits.var() / 80, rel=0.03)
    whole = stats.bootstrap((hits.astype(float),), np.mean, n_resamples=20_000, method="percentile", rng=1)
    low, high = np.percentile(first, [2.5, 97.5])
    assert (low, high) == pytest.approx([100 * end for end in whole.confidence_interval], abs=1.3)  # steps of 1.25


def test_a_cluster_is_drawn_whole() -> None:
    """Four copies of every person on its image leave the variance as it was; as images of their own they would not."""
    errors = np.random.default_rng(0).uniform(0, 1, (60, 16))
    copies = judged(np.repeat(errors, 4, axis=0), np.repeat(np.arange(60), 4))
    alone = judged(errors, np.arange(60))
    np.testing.assert_allclose(bootstrap([copies], 50, seed=2), bootstrap([alone], 50, seed=2))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_of_a_paired_difference_is_scipys(confidence: float) -> None:
    a, b = np.random.default_rng(4).uniform(size=(2, 300)) < [[0.3], [0.4]]
    one = compare([one_joint(a)], [one_joint(b)], resamples=20_000, confidence=confidence)[ALL]
    gaps = b.astype(float) - a
    theirs = stats.bootstrap(
        (gaps,), np.mean, n_resamples=20_000, method="percentile", rng=1, confidence_level=confidence
    ).confidence_interval
    assert (one.low, one.high) == pytest.approx([100 * end for end in theirs], abs=0.4)
    assert one.difference == pytest.approx(100 * gaps.mean())


def test_permutations_are_those_of_exact_enumeration() -> None:
    """Nine images: all 512 exchanges have their probability, and p is their share."""
    a = [1, 0, 0, 0, 1, 0, 0, 1, 0]
    b = [1, 1, 1, 0, 1, 1, 1, 0, 1]
    gaps = np.subtract(b, a)
    every = np.array([np.dot(signs, gaps) for signs in itertools.product((1, -1), repeat=9)]) * 100 / 9
    observed = gaps.sum() * 100 / 9
    exact = (np.abs(every) >= abs(observed) - 1e-9).mean()
    moved = permutation(one_joint(a), one_joint(b), 40_000, seed=0)[:, 0]
    values, shares = np.unique(every.round(6), return_counts=True)
    for value, share in zip(values, shares / 512, strict=True):
        assert (np.abs(moved - value) < 1e-6).mean() == pytest.approx(share, abs=0.01)
    p = p_value(np.array([observed]), moved[:, None])[0]
    assert p == pytest.approx(exact, abs=0.01)
    theirs = stats.permutation_test(
        (np.array(a), np.array(b)), lambda x, y, axis: (y - x).mean(axis), permutation_type="samples", vectorized=True
    )
    assert theirs.pvalue == pytest.approx(exact)


def test_p_is_never_zero_and_counts_the_observed_one() -> None:
    permuted = np.array([[1.0, 3.0, np.nan], [-2.0, 0.5, np.nan], [0.0, -3.0, np.nan]])
    found = p_value(np.array([2.0, 4.0, np.nan]), permuted)
    np.testing.assert_allclose(found, [2 / 4, 1 / 4, np.nan])


def test_holm_by_hand_and_as_he_prints_it() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, np.nan, 0.9])), [1.0, np.nan, 1.0])
    assert holm(np.array([])).shape == (0,)
    p = np.array([0.001, 0.02, 0.9, 0.03])
    order = np.argsort(p)
    rejected = np.zeros(4, bool)
    for step, at in enumerate(order):  # his procedure: stop at the first that is above its level
        if p[at] > 0.05 / (4 - step):
            break
        rejected[at] = True
    np.testing.assert_array_equal(holm(p) <= 0.05, rejected)


def test_the_same_predictions_do_not_differ() -> None:
    trained, image = drawn(np.random.default_rng(0), trainings=1, persons=60)
    side = [judged(trained[0], image)]
    for one in compare(side, side, resamples=200).values():
        assert (one.difference, one.low, one.high, one.p, one.p_holm) == (0, 0, 0, 1, 1)
        assert one.word == "no difference seen"
    for one in compare(side * 2, side * 3, resamples=200).values():
        assert (one.difference, one.low, one.high, one.p) == (0, 0, 0, 1)


def test_the_same_input_gives_the_same_bits_and_sides_exchange() -> None:
    trained, image = drawn(np.random.default_rng(1), trainings=2, persons=100)
    a, b = ([judged(errors, image)] for errors in trained)
    forth, again, back = compare(a, b, resamples=300), compare(a, b, resamples=300), compare(b, a, resamples=300)
    assert forth == {name: replace(one, variance=forth[name].variance) for name, one in again.items()}
    for name, one in forth.items():
        assert (one.difference, one.low, one.high) == pytest.approx(
            (-back[name].difference, -back[name].high, -back[name].low), abs=1e-9
        )
        assert one.low <= one.difference <= one.high
        assert one.p <= one.p_holm <= 1
    assert compare(a, b, resamples=300, seed=1)[ALL].low != forth[ALL].low


def test_better_and_worse_are_said_after_the_adjustment() -> None:
    hits = np.zeros(400, bool)
    more = hits.copy()
    more[:12] = True
    (one,) = compare([one_joint(hits)], [one_joint(more)]).values()
    assert one.word == "better"
    assert next(iter(compare([one_joint(more)], [one_joint(hits)]).values())).word == "worse"
    assert replace(one, p=0.04, p_holm=0.08).word == "no difference seen"


def test_only_scores_of_one_metric_and_kind_of_group_are_adjusted_together() -> None:
    trained, image = drawn(np.random.default_rng(7), trainings=2, persons=100)
    a, b = (judged(errors, image) for errors in trained)
    found = compare([a], [b], resamples=200)
    assert found[ALL].p_holm == found[ALL].p
    assert {name: one.p_holm for name, one in found.items()} == pytest.approx(
        {
            name: p
            for kind in ("all", "joint", "pair")
            for same in [[name for name in a.names if name[1].partition(":")[0] == kind]]
            for name, p in zip(same, holm(np.array([found[name].p for name in same])), strict=True)
        }
    )
    families = [family("AP", "all"), family("AP50", "all"), family("AP", "joint:nose"), family("AP", "joint:ankle")]
    np.testing.assert_allclose(by_family(np.array([0.01, 0.02, 0.03, np.nan]), families), [0.01, 0.02, 0.03, np.nan])
    np.testing.assert_allclose(by_family(np.array([0.5, 0.5, 0.03, 0.02]), families), [0.5, 0.5, 0.04, 0.04])


def test_p_at_its_least_is_permuted_on_until_its_family_can_be_told() -> None:
    """120 groups and 2000 permutations: 120 / 2001 is above 0.05."""
    image = np.repeat(np.arange(120), 2)
    groups = {f"{number:03d}": list(range(240)) for number in range(119)} | {"none": [0, 1]}
    good, bad = judged(np.full((240, 16), 0.1), image, **groups), judged(np.full((240, 16), 0.9), image, **groups)
    names = [name for name in good.names if name[1].startswith("category:")]
    assert len(names) == 120
    sides = [good.only(names)], [bad.only(names)]
    found = compare(*sides)
    far = [one for (_, group), one in found.items() if group != "category:none"]
    assert {(one.word, one.p, one.least) for one in far} == {("worse", 1 / 2401, 1 / 2401)}
    same = found["PCKh", "category:none"]  # one image: every permutation is as far, so p is not at its least
    assert (same.word, same.p, same.least) == ("no difference seen", 1.0, 1 / 2001)
    fixed = compare(*sides, resamples=2000)
    assert {one.word for (_, group), one in fixed.items() if group != "category:none"} == {"unclear"}
    assert {one.word for one in compare(*sides, confidence=0.99999).values()} == {"unclear", "no difference seen"}


def test_more_permutations_go_on_from_the_first_ones() -> None:
    trained, image = drawn(np.random.default_rng(3), trainings=2, persons=60)
    a, b = (judged(errors, image) for errors in trained)
    np.testing.assert_array_equal(permutation(a, b, 700, 0)[:300], permutation(a, b, 300, 0))


def test_with_seeds_alone_it_is_welchs_test() -> None:
    """Every person the same: no variance of persons is left, and the rest is scipy's ttest_ind."""
    levels = ([3, 5, 4], [6, 8, 7, 9])
    sides = []
    for side in levels:
        made = []
        for found in side:
            hits = np.zeros((20, 16), bool)
            hits[:, [0, 1, 2, 3, 4, 5, 8, 9, 10][:found]] = True
            made.append(judged(errors_of(hits), np.arange(20)).only([ALL]))
        sides.append(made)
    one = compare(*sides, resamples=200)[ALL]
    scores = [100 * np.array(side) / 14 for side in levels]
    theirs = stats.ttest_ind(scores[1], scores[0], equal_var=False)
    assert one.p == pytest.approx(theirs.pvalue, rel=1e-9)
    ends = theirs.confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx((ends.low, ends.high))
    assert (one.kind, one.seeds) == ("seeds and persons", (3, 4))


def test_the_parts_of_the_variance_are_those_it_was_made_of() -> None:
    """Scores of many simulated studies: seeds, persons and their interaction, each of known variance."""
    rng, n, seeds, persons, both = np.random.default_rng(0), 4, 2.0, 1.0, 0.5
    found, true = [], []
    for _ in range(400):
        own = rng.normal(0, seeds**0.5, (2, n, 1)) + rng.normal(0, both**0.5, (2, n, 1))
        moved = rng.normal(0, (persons / 2) ** 0.5, (2, 1, 200, 1)) + rng.normal(0, both**0.5, (2, n, 200, 1))
        parts = variances(own[0], own[1], moved[0], moved[1])
        found.append([parts.seeds.sum(), parts.persons[0], parts.both[0], parts.total[0]])
        true.append([2 * (seeds + both) / n, persons + 2 * both / n, 2 * both / n])
    expected = [*np.mean(true, axis=0), 2 * seeds / n + persons + 2 * both / n]
    assert np.mean(found, axis=0) == pytest.approx(expected, rel=0.06)


def test_equal_scores_of_trainings_are_no_proof_that_they_do_not_vary() -> None:
    moved = np.random.default_rng(0).normal(size=(2, 3, 5000, 1))
    still = np.zeros((3, 1))
    parts = variances(still, still, moved[0], moved[1])
    assert parts.both[0] == pytest.approx(2 / 3, rel=0.05)
    assert parts.total[0] == pytest.approx(0.1 * 2 / 3, abs=0.03)
    same = np.repeat(moved[:, :1], 3, axis=1)  # evaluated three times: no interaction, the persons' part alone
    parts = variances(still, still, same[0], same[1])
    assert parts.both[0] == pytest.approx(0, abs=1e-12)
    assert parts.total[0] == parts.persons[0] == pytest.approx(2, rel=0.1)
    assert parts.freedom((3, 3), 81)[0] == pytest.approx(80)


def test_one_seed_on_one_side_speaks_of_these_networks_only() -> None:
    trained, image = drawn(np.random.default_rng(2), trainings=4, persons=100)
    samples = [judged(errors, image).only([ALL]) for errors in trained]
    one = compare(samples[:1], samples[1:], resamples=500)[ALL]
    assert (one.kind, one.seeds) == ("persons", (1, 3))
    assert np.isnan(one.variance[0])
    reach = stats.t.ppf(0.975, one.images - 1) * one.variance[2] ** 0.5
    assert (one.low, one.high) == pytest.approx((one.difference - reach, one.difference + reach))


def test_the_noise_of_trainings_is_the_interval_of_as_many_again() -> None:
    hits = [np.arange(50) < level for level in (20, 23, 24)]
    samples = [one_joint(one) for one in hits]
    deviation = np.std([40, 46, 48], ddof=1)
    expected = stats.t.ppf(0.975, 4) * deviation * (2 / 3) ** 0.5
    assert noise(samples) == {ALL: pytest.approx(expected)}
    assert np.isnan(noise(samples[:1])[ALL])


def test_what_nobody_counts_for_is_no_score_and_none_left_is_refused() -> None:
    errors = np.random.default_rng(0).uniform(size=(20, 16))
    errors[:, 3] = np.nan
    sample = judged(errors, np.arange(20))
    names = [group for _, group in compare([sample], [sample], resamples=100)]
    assert "joint:joint 3" not in names
    assert "pair:Hip" not in names
    assert "joint:joint 2" in names
    with pytest.raises(CannotJudge, match="nobody counts"):
        compare([sample.only([("PCKh", "joint:joint 3")])] * 1, [sample], resamples=100)
    with pytest.raises(CannotJudge, match="share no score"):
        compare([sample.only([ALL])], [sample.only([("PCKh", "joint:joint 2")])], resamples=100)
    other = errors.copy()
    other[0, 0] = np.nan
    with pytest.raises(CannotJudge, match="not the same joints"):
        compare([sample], [judged(other, np.arange(20))], resamples=100)


def test_a_comparison_is_plain_data() -> None:
    (one,) = compare([one_joint([0, 1, 0])], [one_joint([0, 1, 1])], resamples=100).values()
    assert isinstance(one, Comparison)
    assert (one.persons, one.images, one.seeds) == (3, 3, (1, 1))
    assert (one.a, one.b) == (pytest.approx(100 / 3), pytest.approx(200 / 3))
