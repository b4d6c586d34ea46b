"""Every file of the corpus gets one line that names it, and the exit code of a user's mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchbox.config import JobConfig
from benchbox.datasets.image import read_image
from benchbox.errors import ENVIRONMENT, InvalidInput
from benchbox.worker.__main__ import main
from benchbox.worker.source import READERS, Source
from benchbox.worker.source import test_crops as crops_to_test
from tests.bad_input import corpus, corpus_mpii, good
from tests.bad_input.corpus import Bad
from tests.metrics import coco_cases

pytestmark = pytest.mark.filterwarnings("error")
CONFIG = JobConfig.model_validate(
    {"dataset": {"name": "coco", "input": [64, 64]}, "model": {"name": "hrnet"}, "train": {"epochs": 0}}
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write good data sets."""
    good.write_all(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def say(data: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Call a verb of the worker; return its exit code, stdout and stderr."""

    def call(verb: str, *words: str | Path) -> tuple[int, str, str]:
        where = {"score": "--results", "check": "--cache"}[verb]
        code = main([verb, *map(str, words), "--data", str(data), where, str(data.parent / "results")])
        return code, *capfd.readouterr()

    return call


def is_one_line(text: str, parts: Sequence[str | Path]) -> None:
    """Assert that a problem is one short line that says all of the parts."""
    assert text.count("\n") == 0
    assert "Traceback" not in text
    assert len(text) < 500
    for part in parts:
        assert str(part) in text, text


def refused(said: tuple[int, str, str], bad: Bad, file: Path) -> None:
    """Assert exit code, an empty stdout and one line on stderr."""
    code, out, err = said
    assert (code, out) == (bad.code, ""), err
    assert err.endswith("\n")
    is_one_line(err[:-1], (file, *bad.words))


def score_coco(say: Callable[..., tuple[int, str, str]], data: Path, file: Path) -> tuple[int, str, str]:
    return say("score", file, "--dataset", "coco", "--truth", data / "coco/annotations/person_keypoints_val2017.json")


def values(said: tuple[int, str, str]) -> dict[str, float]:
    code, out, err = said
    assert (code, err) == (0, "")
    return {row["metric"]: row["value"] for row in json.loads(out)["rows"] if row["group"] == "all"}


def results(folder: Path, content: Any = None) -> Path:
    file = folder / "theirs.json"
    file.write_bytes(good.text(good.coco_results() if content is None else content))
    return file


def predicted(folder: Path) -> Path:
    file = folder / "theirs.mat"
    file.write_bytes(good.mat(preds=good.mpii_joints()))
    return file


def test_the_files_that_the_corpus_damages_are_good(say, data, tmp_path):
    assert 50 < values(score_coco(say, data, results(tmp_path)))["AP50"] <= 100
    for words in ((), ("--truth", data / "mpii/annot/valid.json")):
        said = say("score", predicted(tmp_path), "--dataset", "mpii", *words)
        assert values(said) == {"PCKh": 100.0}
    lsp = tmp_path / "lsp.json"
    lsp.write_bytes(good.text(good.lsp_joints()[:, :2, :3].transpose(2, 0, 1).tolist()))
    assert values(say("score", lsp, "--dataset", "lspet:test")) == {"PCK": 100.0}
    (tmp_path / "valid.h5").write_bytes(good.hdf5(**good.mpii_hdf5()))
    said = say("score", predicted(tmp_path), "--dataset", "mpii", "--truth", tmp_path / "valid.h5")
    assert values(said) == {"PCKh": 100.0}
    for name, split in (("coco", "val2017"), ("mpii", "valid"), ("lspet", "test")):
        code, out, err = say("check", "--dataset", name, "--split", split)
        assert (code, err) == (0, "")
        kinds = {finding["kind"] for finding in json.loads(out)[0]["findings"]}
        assert kinds <= {"image twice", "left and right"}


@pytest.mark.parametrize("name", corpus.COCO_RESULTS)
def test_coco_results(name, say, data, tmp_path):
    bad = corpus.COCO_RESULTS[name]
    file = tmp_path / f"theirs{bad.suffix}"
    file.write_bytes(bad.content)
    refused(score_coco(say, data, file), bad, file)


MISSING = ("coco/annotations/person_keypoints_val2017.json", "mpii/annot/valid.json", "lspet/joints.mat", "theirs.mat")


@pytest.mark.parametrize("place", MISSING)
def test_a_file_that_is_not_there(place, say, data, tmp_path):
    name = {"coco": "coco", "mpii": "mpii", "lspet": "lspet:test", "theirs.mat": "mpii"}[place.partition("/")[0]]
    predicted(data)
    (data / place).unlink()
    refused(say("score", data / "theirs.mat", "--dataset", name), Bad(b"", ("no file",), ENVIRONMENT), data / place)


def test_a_person_twice_is_two_predictions_as_for_pycocotools(say, data, tmp_path):
    """A COCO result has no id: the second of two equal ones is a false positive, by the official tool too."""
    twice = [*good.coco_results(), good.coco_results()[0]]
    found = values(score_coco(say, data, results(tmp_path, twice)))
    assert found == pytest.approx(coco_cases.percent(coco_cases.official(good.coco_truth(), twice)), abs=1e-9)
    assert found["AP"] < values(score_coco(say, data, results(tmp_path)))["AP"]


def test_pycocotools_believes_the_count_of_keypoints_and_the_check_tells(say, data, tmp_path):
    """A `num_keypoints` of 0 makes a labelled person ignored; a score has to be the official one, so it is taken."""
    truth = good.changed(good.coco_truth(), 0, "annotations", 1, "num_keypoints")
    (data / "coco/annotations/person_keypoints_val2017.json").write_bytes(good.text(truth))
    found = values(score_coco(say, data, results(tmp_path)))
    assert found == pytest.approx(coco_cases.percent(coco_cases.official(truth, good.coco_results())), abs=1e-9)
    _, out, _ = say("check", "--dataset", "coco", "--split", "val2017")
    findings = {finding["kind"]: finding["examples"] for finding in json.loads(out)[0]["findings"]}
    assert findings["num_keypoints"] == ["annotation 11: num_keypoints is 0, 17 are labelled"]


@pytest.mark.parametrize("name", {**corpus.COCO_TRUTH, **corpus.COCO_SCORE_ONLY})
def test_coco_truth_for_a_score(name, say, data, tmp_path):
    bad = {**corpus.COCO_TRUTH, **corpus.COCO_SCORE_ONLY}[name]
    truth = tmp_path / f"truth{bad.suffix}"
    truth.write_bytes(bad.content)
    said = say("score", results(tmp_path), "--dataset", "coco", "--truth", truth)
    refused(said, bad, truth)


def checked(say: Callable[..., tuple[int, str, str]], name: str, split: str, parts: Sequence[str | Path]) -> None:
    """Assert that the check of a data set reports its reader's line."""
    code, out, err = say("check", "--dataset", name, "--split", split)
    assert (code, err) == (0, "")
    lines = {finding["kind"]: finding["examples"] for finding in json.loads(out)[0]["findings"]}["annotations"]
    assert len(lines) == 1
    is_one_line(lines[0], parts)


def raises(parts: Sequence[str | Path], read: Callable[..., Any], *given: Any, **named: Any) -> None:
    with pytest.raises(InvalidInput) as problem:
        read(*given, **named)
    is_one_line(str(problem.value), parts)


PEOPLE = {**corpus.COCO_TRUTH, **corpus.COCO_PEOPLE_ONLY}


@pytest.mark.parametrize("name", [name for name, bad in PEOPLE.items() if bad.suffix == ".json"])
def test_coco_truth_for_a_run_and_for_the_check(name, say, data):
    file = data / "coco/annotations/person_keypoints_val2017.json"
    file.write_bytes(PEOPLE[name].content)
    raises((file, *PEOPLE[name].words), READERS["coco"], data / "coco", "val2017")
    checked(say, "coco", "val2017", (file, *PEOPLE[name].words))


def crops_of(data: Path, boxes: Path) -> Any:
    return crops_to_test(CONFIG, Source("coco", data / "coco", "val2017", "val2017", boxes, {}))


@pytest.mark.parametrize("name", corpus.COCO_BOXES)
def test_a_detectors_boxes(name, data, tmp_path):
    bad = corpus.COCO_BOXES[name]
    file = tmp_path / f"boxes{bad.suffix}"
    file.write_bytes(bad.content)
    raises((file, *bad.words), crops_of, data, file)


def test_a_detector_that_found_nobody_is_named_and_a_box_without_size_is_a_crop_of_a_pixel(data, tmp_path):
    file = tmp_path / "boxes.json"
    for nobody in ([], [{**good.coco_boxes()[0], "category_id": 18}]):
        file.write_bytes(good.text(nobody))
        raises((file, "nobody"), crops_of, data, file)
    # A detector's mistake is a prediction like any other; leaving it out would be another score.
    file.write_bytes(good.text(good.changed(good.coco_boxes(), [5, 6, 0, 0], 1, "bbox")))
    (batch,) = crops_of(data, file).evaluation_batches(8)
    assert np.isfinite(batch.images).all()
    assert len(batch.images) == 2


@pytest.mark.parametrize("name", corpus_mpii.MPII_PREDICTIONS)
def test_predictions_for_mpii(name, say, tmp_path):
    bad = corpus_mpii.MPII_PREDICTIONS[name]
    file = tmp_path / f"theirs{bad.suffix}"
    file.write_bytes(bad.content)
    refused(say("score", file, "--dataset", "mpii"), bad, file)


MPII = {
    "mpii/annot/valid.json": corpus_mpii.MPII_PEOPLE,
    "mpii/annot/gt_valid.mat": corpus_mpii.MPII_MAT,
    "mpii/annot/activities.json": corpus_mpii.ACTIVITIES,
}


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, bads in MPII.items() for name in bads])
def test_the_files_of_mpii(place, name, say, data, tmp_path):
    bad = MPII[place][name]
    (data / place).write_bytes(bad.content)
    refused(say("score", predicted(tmp_path), "--dataset", "mpii"), bad, data / place)
    truth = data / "mpii/annot/valid.json"
    refused(say("score", predicted(tmp_path), "--dataset", "mpii", "--truth", truth), bad, data / place)
    raises((data / place, *bad.words), READERS["mpii"], data / "mpii", "valid")
    checked(say, "mpii", "valid", (data / place, *bad.words))


@pytest.mark.parametrize("name", corpus_mpii.MPII_HDF5)
def test_pytorch_poses_truth(name, say, tmp_path):
    bad = corpus_mpii.MPII_HDF5[name]
    truth = tmp_path / "valid.h5"
    truth.write_bytes(bad.content)
    refused(say("score", predicted(tmp_path), "--dataset", "mpii", "--truth", truth), bad, truth)


@pytest.mark.parametrize("name", corpus_mpii.LSP)
def test_the_joints_of_lsp(name, say, data, tmp_path):
    bad = corpus_mpii.LSP[name]
    file = data / "lspet/joints.mat"
    file.write_bytes(bad.content)
    refused(say("score", predicted(tmp_path), "--dataset", "lspet:test"), bad, file)
    raises((file, *bad.words), READERS["lsp"], data / "lspet", "test")
    checked(say, "lspet", "test", (file, *bad.words))


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (b"[1]", ("found a list",)),
        (b"{", ("not JSON",)),
        (good.text({"test": [1, 0]}), ("test, entry 1 is 0",)),
        (good.text({"test": [1, "2"]}), ("test, entry 1 is '2'",)),
        (good.text({"test": [1, 1]}), ("holds 1 twice",)),
        (good.text({"test": 5}), ("test",)),
    ],
)
def test_the_splits_of_lsp(splits, words, say, data, tmp_path):
    (data / "lspet/splits.json").write_bytes(splits)
    code, out, err = say("score", predicted(tmp_path), "--dataset", "lspet:test")
    assert (code, out) == (2, "")
    is_one_line(err[:-1], (data / "lspet", *words))


@pytest.mark.parametrize("name", corpus.IMAGES)
def test_an_image_that_is_none(name, say, data):
    file = data / "coco/val2017/3.jpg"
    file.write_bytes(corpus.IMAGES[name])
    raises((file, "image"), read_image, file)
    code, out, _ = say("check", "--dataset", "coco", "--split", "val2017")
    kinds = {finding["kind"]: finding["examples"] for finding in json.loads(out)[0]["findings"]}
    assert code == 0
    assert [str(file)] in (kinds.get("truncated image"), kinds.get("unreadable image"))


@pytest.mark.parametrize("kind", ["plain", "progressive", "png"])
def test_no_cut_through_an_image_passes_and_bytes_behind_its_end_do(kind, tmp_path):
    picture = cv2.imdecode(np.frombuffer(good.jpeg(), np.uint8), cv2.IMREAD_COLOR)
    suffix, options = {
        "plain": (".jpg", []),
        "progressive": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        "png": (".png", []),
    }[kind]
    content = bytes(cv2.imencode(suffix, picture, options)[1])
    file = tmp_path / f"a{suffix}"
    for length in range(0, len(content) - 1, 37):
        file.write_bytes(content[:length])
        raises((file,), read_image, file)
    file.write_bytes(content)
    whole = read_image(file)
    file.write_bytes(content + b"\0" * 200)
    np.testing.assert_array_equal(read_image(file), whole)
