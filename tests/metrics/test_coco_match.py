"""Matches and scores against pycocotools, decision by decision."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbox.errors import InvalidInput
from benchbox.metrics.coco_curve import scores
from benchbox.metrics.coco_match import AREAS, MOST, THRESHOLDS, Matches, Predictions, from_results, match
from benchbox.metrics.coco_truth import Truth
from benchbox.pose.skeleton import COCO17
from tests.metrics.coco_cases import SIGMAS, arrays, case, official, percent

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth") / "truth.json"


def decisions(evaluation, area: int) -> dict[int, tuple]:
    """What pycocotools decided of each result, by its place in the file."""
    found = {}
    images = len(evaluation.params.imgIds)
    for entry in evaluation.evalImgs[area * images : (area + 1) * images]:
        for column, number in enumerate(entry["dtIds"] if entry else []):
            found[number - 1] = (entry["dtMatches"][:, column], entry["dtIgnore"][:, column])
    return found


def same_decisions(matches: Matches, truth: Truth, evaluation) -> None:
    for area in range(len(AREAS)):
        expected = decisions(evaluation, area)
        assert sorted(matches.prediction.tolist()) == sorted(expected)
        for row, place in enumerate(matches.prediction):
            by_id, ignored = expected[place]
            assert matches.matched[row, area].tolist() == (by_id != 0).tolist()
            assert matches.ignored[row, area].tolist() == ignored.tolist()
            if area == 0 and by_id[0]:
                assert truth.ids[matches.person[row]] == by_id[0]


def same_oks(matches: Matches, truth: Truth, evaluation) -> int:
    """Compare the OKS of every match to the last bit; return how many there were."""
    number = {int(person): place for place, person in enumerate(truth.ids)}
    columns = {image: [number[g["id"]] for g in evaluation._gts[image, 1]] for image in evaluation.params.imgIds}
    position = {}
    for entry in evaluation.evalImgs[: len(evaluation.params.imgIds)]:
        for row, result in enumerate(entry["dtIds"] if entry else []):
            position[result - 1] = (entry["image_id"], row)
    for row in np.flatnonzero(matches.person >= 0):
        image, place = position[matches.prediction[row]]
        assert matches.oks[row] == evaluation.ious[image, 1][place, columns[image].index(matches.person[row])]
    assert np.isnan(matches.oks[matches.person < 0]).all()
    return int((matches.person >= 0).sum())


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ties=st.booleans())
def test_every_decision_is_that_of_pycocotools(path, seed, ties):
    document, results = case(seed, ties=ties)
    truth, predictions = arrays(document, results, path)
    matches = match(truth, predictions, sigmas=SIGMAS)
    evaluation = official(document, results)
    same_decisions(matches, truth, evaluation)
    same_oks(matches, truth, evaluation)
    assert scores(matches) == pytest.approx(percent(evaluation), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, ties=st.booleans(), part=st.integers(0, 6))
def test_some_images_only(path, seed, ties, part):
    document, results = case(seed, ties=ties)
    truth, predictions = arrays(document, results, path)
    image_ids = [image["id"] for image in document["images"][:part]]
    matches = match(truth, predictions, sigmas=SIGMAS, image_ids=image_ids + image_ids[:1])
    evaluation = official(document, results, image_ids)
    assert matches.images.tolist() == sorted(image_ids)
    if image_ids:  # without one pycocotools has no row to look at
        same_decisions(matches, truth, evaluation)
    assert scores(matches) == pytest.approx(percent(evaluation), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, ties=st.booleans(), joints=st.sets(st.integers(0, 16), max_size=4))
def test_some_joints_only(path, seed, ties, joints):
    document, results = case(seed, ties=ties)
    truth, predictions = arrays(document, results, path)
    matches = match(truth, predictions, sigmas=SIGMAS, joints=sorted(joints))
    for person in document["annotations"]:
        keypoints = np.array(person["keypoints"]).reshape(17, 3)
        keypoints[[joint for joint in range(17) if joint not in joints], 2] = 0
        person["keypoints"] = keypoints.ravel().tolist()
        person["num_keypoints"] = int((keypoints[:, 2] > 0).sum())
    evaluation = official(document, results)
    same_decisions(matches, truth, evaluation)
    same_oks(matches, truth, evaluation)
    assert scores(matches) == pytest.approx(percent(evaluation), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, ties=st.booleans(), joint=st.none() | st.integers(0, 16))
def test_some_people_only(path, seed, ties, joint):
    document, results = case(seed, ties=ties)
    truth, predictions = arrays(document, results, path)
    counted = np.random.default_rng(seed).uniform(size=len(truth.ids)) < 0.5
    matches = match(truth, predictions, sigmas=SIGMAS, counted=counted, joints=None if joint is None else [joint])
    for person in document["annotations"]:
        if joint is not None:
            keypoints = np.array(person["keypoints"]).reshape(17, 3)
            keypoints[np.arange(17) != joint, 2] = 0
            person["keypoints"] = keypoints.ravel().tolist()
            person["num_keypoints"] = int((keypoints[:, 2] > 0).sum())
        if not counted[truth.ids == person["id"]]:
            person["num_keypoints"] = 0
    evaluation = official(document, results)
    same_decisions(matches, truth, evaluation)
    assert scores(matches) == pytest.approx(percent(evaluation), abs=1e-9)


@pytest.mark.parametrize("images", [0, 6])
def test_without_results(path, images):
    document, _ = case(5, images=images)
    truth, predictions = arrays(document, [], path)
    matches = match(truth, predictions, sigmas=SIGMAS)
    assert len(matches.prediction) == 0
    found = scores(matches)
    assert found == percent(official(document, []))
    assert set(found.values()) == ({0.0} if images else set())


def test_records_are_ordered_and_shaped_as_promised(path):
    document, results = case(11, images=12)
    truth, predictions = arrays(document, results, path)
    matches = match(truth, predictions, sigmas=SIGMAS)
    assert matches.matched.shape == matches.ignored.shape == (len(matches.scores), len(AREAS), len(THRESHOLDS))
    assert matches.positives.shape == (12, len(AREAS))
    assert matches.images[matches.image].tolist() == predictions.image_ids[matches.prediction].tolist()
    assert matches.scores.tolist() == predictions.scores[matches.prediction].tolist()
    place = np.lexsort((matches.prediction, matches.image, -matches.scores))
    assert place.tolist() == list(range(len(place)))
    assert np.bincount(matches.image).max() == MOST < np.bincount(predictions.image_ids).max()
    same_image = truth.image[matches.person] == np.searchsorted(truth.images, matches.images[matches.image])
    assert same_image[matches.person >= 0].all()


def test_the_other_spelling_of_the_constants_gives_the_same_scores(path):
    document, results = case(3, ties=False, images=12)
    truth, predictions = arrays(document, results, path)
    found = scores(match(truth, predictions, sigmas=COCO17.sigmas))
    assert found == pytest.approx(percent(official(document, results)), abs=1e-9)
    assert 1 < found["AP"] < 99


def test_two_columns_of_keypoints_are_enough(path):
    document, results = case(7)
    truth, predictions = arrays(document, results, path)
    narrow = Predictions(predictions.image_ids, predictions.keypoints[..., :2], predictions.scores)
    assert scores(match(truth, narrow, sigmas=SIGMAS)) == scores(match(truth, predictions, sigmas=SIGMAS))


def test_what_does_not_fit_is_one_line(path):
    document, results = case(7)
    truth, _ = arrays(document, results, path)

    def changed(**entry):
        return [*results[:2], {**results[2], **entry}]

    cases = [
        (changed(image_id=99), "result 2: image_id 99 is not among"),
        (changed(score=float("nan")), "result 2: a coordinate or the score"),
        (changed(keypoints=[float("inf")] + [0.0] * 50), "result 2: a coordinate or the score"),
    ]
    for wrong, part in cases:
        with pytest.raises(InvalidInput, match=re.escape(part)) as problem:
            match(truth, from_results(wrong, joints=17), sigmas=SIGMAS)
        assert "\n" not in str(problem.value)
    with pytest.raises(InvalidInput, match="image id 77"):
        match(truth, from_results(results, joints=17), sigmas=SIGMAS, image_ids=[77])
