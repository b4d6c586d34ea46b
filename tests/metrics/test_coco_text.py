"""Match records as text: the same scores, to the bit, as the records themselves and as pycocotools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbox.metrics import coco_text
from benchbox.metrics.coco_curve import bootstrap, scores
from benchbox.metrics.coco_match import Matches, match
from benchbox.metrics.coco_truth import Truth
from tests.metrics.coco_cases import SIGMAS, arrays, case, official, percent

JOINT = {"joint:nose": {"joints": [0]}, "joint:left_eye": {"joints": [1]}}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("truth") / "truth.json"


def matched(seed: int, path: Path) -> tuple[Truth, dict[str, Matches]]:
    truth, predictions = arrays(*case(seed), path)
    parts = {"all": {}, **JOINT}
    return truth, {name: match(truth, predictions, sigmas=SIGMAS, **part) for name, part in parts.items()}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_text_gives_the_same_bits(path: Path, seed: int) -> None:
    truth, matches = matched(seed, path)
    ground, lines = coco_text.ground(truth, matches), coco_text.predictions(matches)
    again = coco_text.read(ground, lines)
    weights = np.random.default_rng(seed).integers(0, 3, (4, len(truth.images))).astype(float)
    assert list(again) == list(matches)
    for name, one in matches.items():
        assert scores(again[name]) == scores(one)
        resampled = bootstrap(again[name], weights)
        for metric, values in bootstrap(one, weights).items():
            np.testing.assert_array_equal(resampled[metric], values)
    assert not [line for line in (*ground.persons, *ground.images, *lines) if "\n" in line]


def test_the_text_gives_what_pycocotools_gives(path: Path) -> None:
    document, results = case(3, ties=False)
    truth, predictions = arrays(document, results, path)
    matches = {"all": match(truth, predictions, sigmas=SIGMAS)}
    again = coco_text.read(coco_text.ground(truth, matches), coco_text.predictions(matches))["all"]
    expected = percent(official(document, results))
    found = scores(again)
    assert found
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=1e-9)


@pytest.mark.parametrize(
    "broken",
    [
        lambda line: line.rsplit(" ", 1)[0],
        lambda line: line + " 00",
        lambda line: line[:-1],
        lambda line: "999 " + line.split(" ", 1)[1],
        lambda line: "-1 " + line.split(" ", 1)[1],
        lambda line: line.replace(line.split(" ")[1], "nan"),
        lambda line: line[:-2] + "zz",
    ],
)
def test_a_broken_line_is_refused(path: Path, broken) -> None:
    truth, matches = matched(3, path)
    ground, lines = coco_text.ground(truth, matches), coco_text.predictions(matches)
    with pytest.raises(ValueError, match=r"short|no image|no number|hex"):
        coco_text.read(ground, [broken(lines[0]), *lines[1:]])


def test_a_digest_tells_other_truths(path: Path) -> None:
    truth, matches = matched(3, path)
    moved = truth.keypoints.copy()
    moved[0, 0, 0] += 1
    before = coco_text.ground(truth, matches).persons
    after = coco_text.ground(replace(truth, keypoints=moved), matches).persons
    assert [a == b for a, b in zip(before, after, strict=True)] == [False] + [True] * (len(before) - 1)
