"""Samples give the scores that scoring gives, of any weighted images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchbox.errors import CannotJudge
from benchbox.metrics.coco_curve import bootstrap, scores
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.pckh import count
from benchbox.stats.ap import ApSample, names_of, people_of
from benchbox.stats.compare import compare
from benchbox.stats.sample import People, check_same
from tests.metrics import coco_cases
from tests.metrics.test_coco_curve import matched
from tests.stats.people import judged


@pytest.mark.parametrize("name", sorted(CONVENTIONS))
def test_copies_of_images_count_as_often_as_they_are_drawn(name: str) -> None:
    """The other side of the equation is `conventions.count` on persons that are really there several times."""
    rng, convention = np.random.default_rng(3), CONVENTIONS[name]
    joints = 1 + max(joint for of in convention.columns.values() for joint in of)
    errors = rng.uniform(0, 1, (40, joints)).round(1)  # many lie exactly at the threshold
    errors[rng.uniform(size=errors.shape) < 0.2] = np.nan
    image = np.unique(rng.integers(0, 15, 40), return_inverse=True)[1]
    members = [1, 4, 5, 20, 21, 33]
    sample = judged(errors, image, convention, some=members)
    weights = rng.multinomial(image.max() + 1, np.full(image.max() + 1, 1 / (image.max() + 1)), size=5)
    found = sample.replicate(weights)
    for row, drawn in zip(found, weights, strict=True):
        copies = np.repeat(np.arange(40), drawn[image])
        expected = count(errors[copies], ~np.isnan(errors[copies]), 0.5, convention)
        values = {"all": expected.mean}
        values |= {f"joint:joint {at}": value for at, value in enumerate(expected.per_joint)}
        values |= {f"pair:{pair}": value for pair, value in expected.columns.items()}
        of_group = [person for person in copies if person in members]
        part = count(errors[of_group], ~np.isnan(errors[of_group]), 0.5, convention)
        values["category:some"] = part.mean
        for (_, group), value in zip(sample.names, row, strict=True):
            assert value == pytest.approx(values[group], abs=1e-9, nan_ok=True), group


def test_a_part_of_the_scores_keeps_their_values_and_their_order() -> None:
    rng = np.random.default_rng(0)
    sample = judged(rng.uniform(0, 1, (30, 16)), np.arange(30))
    wanted = [sample.names[7], sample.names[0], sample.names[-1]]
    weights = rng.integers(0, 3, (4, 30))
    np.testing.assert_array_equal(
        sample.only(wanted).replicate(weights), sample.replicate(weights)[:, [7, 0, len(sample.names) - 1]]
    )


def test_a_mix_of_two_sides_has_the_score_of_the_mixed_persons() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.uniform(0, 1, (2, 30, 16))
    image = np.repeat(np.arange(10), 3)
    kept = rng.integers(0, 2, (6, 10))
    both = judged(first, image).joined(judged(second, image))
    found = both.replicate(np.concatenate([kept, 1 - kept], axis=1))
    for row, taken in zip(found, kept, strict=True):
        mixed = np.where(taken[image][:, None] == 1, first, second)
        np.testing.assert_allclose(row, judged(mixed, image).replicate(np.ones((1, 10)))[0])


@pytest.mark.parametrize("ties", [False, True])
def test_ap_of_mixed_sides_is_that_of_pycocotools_on_mixed_results(tmp_path: Path, ties: bool) -> None:
    document, first = coco_cases.case(4, images=12, ties=ties)
    rng = np.random.default_rng(0)
    second = []
    for one, other in zip(first, rng.permutation(len(first)), strict=True):
        moved = np.array(one["keypoints"]).reshape(17, 3) + rng.normal(0, 1, (17, 1)) * [1, 1, 0]
        second.append({**one, "keypoints": moved.ravel().tolist(), "score": first[other]["score"]})
    sides = [matched(document, results, tmp_path / "truth.json") for results in (first, second)]
    people = people_of(coco_cases.arrays(document, first, tmp_path / "truth.json")[0])
    a, b = (ApSample(people, {"all": one}, names_of(["all"])) for one in sides)
    ids = sorted(entry["id"] for entry in document["images"])
    kept = rng.integers(0, 2, (5, len(ids)))
    found = a.joined(b).replicate(np.concatenate([kept, 1 - kept], axis=1))
    for row, taken in zip(found, kept, strict=True):
        of_first = {image for image, one in zip(ids, taken, strict=True) if one}
        mixed = [one for one in first if one["image_id"] in of_first]
        mixed += [one for one in second if one["image_id"] not in of_first]
        expected = coco_cases.percent(coco_cases.official(document, mixed))
        assert {name: value for (name, _), value in zip(a.names, row, strict=True)} == {
            name: pytest.approx(expected.get(name, np.nan), abs=1e-9, nan_ok=True) for name, _ in a.names
        }
    assert len(np.unique(found[:, 0])) > 1


def test_persons_that_do_not_count_are_not_counted(tmp_path: Path) -> None:
    document, results = coco_cases.case(4, images=12)
    entries = document["annotations"]
    entries[0].update(iscrowd=1)
    entries[1].update(num_keypoints=0, keypoints=[0] * 51)
    truth = coco_cases.arrays(document, results, tmp_path / "truth.json")[0]
    matches = matched(document, results, tmp_path / "truth.json")
    sample = ApSample(people_of(truth), {"all": matches}, names_of(["all"]))
    assert len(sample.people.names) == len(entries)
    of_images = coco_cases.official(document, results).evalImgs
    judged = sum((one["gtIgnore"] == 0).sum() for one in of_images if one and one["aRng"][1] == one["aRng"][0] + 1e10)
    assert sample.persons == judged < len(entries) - 1
    assert compare([sample], [sample], resamples=9)["AP", "all"].persons == sample.persons


def test_scores_by_name_take_only_the_areas_they_need(tmp_path: Path) -> None:
    document, results = coco_cases.case(4, images=12)
    matches = matched(document, results, tmp_path / "truth.json")
    whole, some = scores(matches), bootstrap(matches, np.ones((1, 12)), ["ARL", "AP50"])
    assert list(some) == ["ARL", "AP50"]
    assert {name: values[0] for name, values in some.items()} == {name: whole[name] for name in some}


def test_other_persons_are_refused_by_name() -> None:
    names, truth = np.array(["a", "b", "c"]), np.array([[1.0, np.nan], [2.0, 1.0], [3.0, 1.0]])
    known = People(np.arange(3), names, truth)
    check_same(known, People(np.arange(3), names.copy(), truth.copy()))
    with pytest.raises(CannotJudge, match=r"c is only on the first side \(1 such\)"):
        check_same(known, People(np.arange(2), names[:2], truth[:2]))
    with pytest.raises(CannotJudge, match="d is only on the second side"):
        check_same(known, People(np.arange(4), np.array([*names, "d"]), np.zeros((4, 2))))
    moved = truth.copy()
    moved[1, 1] += 1e-9
    with pytest.raises(CannotJudge, match=r"not the same ground truth: b differs \(1 such\)"):
        check_same(known, People(np.arange(3), names, moved))
