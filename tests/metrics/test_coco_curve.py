"""Curves and resampled scores against pycocotools."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbox.metrics.coco_ap import NAMES, score
from benchbox.metrics.coco_curve import Curves, bootstrap, scores
from benchbox.metrics.coco_match import Matches, match
from tests.metrics.coco_cases import SIGMAS, Document, Results, arrays, case, official, percent

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth") / "truth.json"


def matched(document: Document, results: Results, path: Path) -> Matches:
    truth, predictions = arrays(document, results, path)
    return match(truth, predictions, sigmas=SIGMAS)


def copied(document: Document, results: Results, counts: dict[int, int]) -> tuple[Document, Results]:
    """Copy each image, with all people and results, under new ids."""
    images, people, found = [], [], []
    for image in document["images"]:
        for _ in range(counts[image["id"]]):
            number = 1000 - len(images)
            images.append({"id": number})
            for source, target in ((document["annotations"], people), (results, found)):
                for entry in source:
                    if entry["image_id"] == image["id"]:
                        new = {"id": len(people) + 1} if target is people else {}
                        target.append({**copy.deepcopy(entry), **new, "image_id": number})
    return {**document, "images": images, "annotations": people}, found


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ties=st.booleans())
def test_curves_are_those_of_pycocotools(path, seed, ties):
    document, results = case(seed, ties=ties)
    matches = matched(document, results, path)
    precision, recall = Curves(matches)(np.ones((1, len(matches.images))))
    evaluation = official(document, results)
    expected = evaluation.eval["precision"][:, :, 0, :, 0].transpose(2, 0, 1)
    np.testing.assert_allclose(np.nan_to_num(precision[0], nan=-1), expected, atol=1e-12, rtol=0)
    np.testing.assert_allclose(np.nan_to_num(recall[0], nan=-1), evaluation.eval["recall"][:, 0, :, 0].T, atol=1e-12)
    found = scores(matches)
    assert found == pytest.approx(percent(evaluation), abs=1e-9)
    assert list(found) == [name for name in NAMES if name in found]
    assert all(0 <= value <= 100 for value in found.values())


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_both_ways_answer_alike(path, seed):
    document, results = case(seed, ties=False)
    found = scores(matched(document, results, path))
    assert found == pytest.approx(score(path, results), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, counts=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_a_weighted_image_counts_like_its_copies(path, seed, counts):
    document, results = case(seed, ties=False)
    matches = matched(document, results, path)
    found = bootstrap(matches, np.array([counts]))
    copies = copied(document, results, dict(zip(matches.images.tolist(), counts, strict=True)))
    expected = percent(official(*copies))
    assert {name for name in NAMES if not np.isnan(found[name][0])} == set(expected)
    assert {name: found[name][0] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_each_replicate_stands_for_itself(path):
    document, results = case(1, ties=False, images=12)
    matches = matched(document, results, path)
    weights = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=100)
    weights[40] = 1
    found = bootstrap(matches, weights)
    assert tuple(found) == NAMES
    assert {name: values[40] for name, values in found.items()} == scores(matches)
    for row in (0, 31, 32, 99):
        alone = bootstrap(matches, weights[row : row + 1])
        assert [values[row] for values in found.values()] == [values[0] for values in alone.values()]
    assert np.nanstd(found["AP"]) > 0.5
    assert all(values.shape == (100,) for values in found.values())
    assert all(values.shape == (0,) for values in bootstrap(matches, weights[:0]).values())


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_images_and_results_means_nothing_where_scores_differ(path, seed):
    document, results = case(seed, ties=False)
    before = scores(matched(document, results, path))
    rng = np.random.default_rng(seed)
    ids = {image["id"]: int(number) for image, number in zip(document["images"], rng.permutation(9), strict=False)}
    for entry in (*document["annotations"], *results):
        entry["image_id"] = ids[entry["image_id"]]
    document["images"] = [{"id": ids[image["id"]]} for image in document["images"]]
    assert scores(matched(document, results, path)) == pytest.approx(before, abs=1e-9)
    rng.shuffle(results)
    assert scores(matched(document, results, path)) == pytest.approx(before, abs=1e-9)


def test_an_image_without_weight_leaves_nothing(path):
    document, results = case(2, ties=False)
    matches = matched(document, results, path)
    assert all(np.isnan(values[0]) for values in bootstrap(matches, np.zeros((1, 6), dtype=int)).values())
