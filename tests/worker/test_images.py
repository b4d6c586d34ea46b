"""Predictions of any images: to the bit those of the evaluation, and every mistake one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from benchbox import records
from benchbox.cli import predict
from benchbox.config import JobConfig, job_id
from benchbox.datasets.image import read_image
from benchbox.datasets.topdown import TopDown
from benchbox.engine.weights import digest_of_weights, read_weights, save_weights
from benchbox.errors import BenchboxError, CannotJudge, InvalidInput
from benchbox.jobdir import Attempt, JobDir
from benchbox.pose.affine import transform_points
from benchbox.pose.crop import Cropper
from benchbox.pose.skeleton import SKELETONS
from benchbox.worker.images import PICTURES, Asked, predict_images
from benchbox.worker.looks import attention_modules, heatmaps, panels, place_of
from benchbox.worker.network import initial_network, network, result_network
from benchbox.worker.predict import joints_of
from benchbox.worker.source import open_source
from benchbox.worker.source import test_crops as crops_to_test
from tests import readme
from tests.conftest import made_once

Call = Callable[..., subprocess.CompletedProcess[str]]
CPU = torch.device("cpu")
DATA = {"name": "synthetic", "train": 160, "test": 40, "input": [64, 64]}
HRNET = {"name": "hrnet", "width": 16, "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1], "initial": "he"}
# What is not trained has confidences and joints like noise: any other bit of a heatmap shows.
CONFIGS = {
    "hrnet": {
        "dataset": DATA,
        "model": {**HRNET, "attention": "am", "attend": {"stages": [1, 2]}},
        "train": {"epochs": 0, "sigma": 1.0},
        "evaluate": {"decode": "dark"},
    },
    "mrn": {
        "dataset": {**DATA, "layout": "mpii"},
        "model": {"name": "mrn", "shrink": 0.1, "attention": "multi-resolution", "masks": "ones"},
        "train": {"epochs": 0},
    },
}


def config_of(name: str) -> JobConfig:
    return JobConfig.model_validate(CONFIGS[name])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A results folder with a finished job of every network; only to be read."""

    def make(folder: Path) -> None:
        for name in CONFIGS:
            job = JobDir.of(folder, job_id(config_of(name)))
            job.write(config_of(name))
            assert job.claim() is not None
            words = ["-m", "benchbox.worker", "run", str(job.path), "--attempt", "1", "--cache", str(cache)]
            done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "untrained", make)


def result_of(results: Path, name: str) -> Attempt:
    result = JobDir.of(results, job_id(config_of(name))).result()
    assert result is not None
    return result


@pytest.mark.studies
@pytest.mark.parametrize("name", CONFIGS)
def test_the_joints_are_those_of_the_evaluation(
    name: str, results: Path, cache: Path, tmp_path: Path, benchbox: Call
) -> None:
    config, kept = config_of(name), records.load(result_of(results, name).table("people"), "people").to_pylist()
    people = crops_to_test(config, open_source(config, None, cache)).people
    person = people[17]
    cv2.imwrite(str(tmp_path / "one.png"), read_image(person.image))
    box = ",".join(map(repr, person.box))
    words = ["predict", "one.png", "--run", job_id(config)[:6], "--box", box, "--results", str(results), "--json"]
    done = benchbox(*words, "--show", "skeleton", "--show", "heatmaps")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert readme.undocumented(answer) == set()
    (row,) = answer["rows"]
    found = np.array(row["keypoints"])
    assert (kept[17]["person"], kept[17]["image"]) == (person.id, person.image.name)
    assert found[:, :2].ravel().tolist() == kept[17]["keypoints"]
    assert found[:, 2].tolist() == kept[17]["confidences"]
    assert answer["joints"][0] == {"coco17": "nose", "mpii16": "right_ankle"}[config.dataset.skeleton]
    assert {kind: Path(file) for kind, file in row["files"].items()} == {
        kind: Path(f"predictions/one-{kind}.png") for kind in ("skeleton", "heatmaps")
    }
    assert sorted(file.name for file in (tmp_path / "predictions").iterdir()) == [
        "one-heatmaps.png",
        "one-skeleton.png",
    ]
    boxed, whole = (benchbox("predict", "one.png", *words[2:4], *more, *words[6:8]).stdout for more in (words[4:6], ()))
    assert "--json has where" in boxed
    assert "--box" not in boxed
    assert "A box is the whole image; for one person of several: --box X,Y,WIDTH,HEIGHT" in whole


def ask(
    results: Path, name: str, *images: Path, kinds: tuple[str, ...] = (), folder: Path, **more: Any
) -> dict[str, Any]:
    asked = Asked([str(image) for image in images], more.pop("boxes", []), kinds, str(folder), **more)
    return predict_images(results, job_id(config_of(name)), asked)


@pytest.fixture
def image(cache: Path, tmp_path: Path) -> Path:
    config = config_of("hrnet")
    people = crops_to_test(config, open_source(config, None, cache)).people
    return Path(shutil.copy(people[0].image, tmp_path / "photo.jpg"))


@pytest.mark.studies
def test_images_and_boxes_have_a_row_each_and_no_picture_hides_another(
    results: Path, image: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Path(shutil.copy(image, tmp_path / "other/photo.jpg"))
    answer = ask(
        results,
        "hrnet",
        image,
        other,
        boxes=[[1, 2, 30, 40], [5, 5, 60, 50]],
        kinds=("attention",),
        folder=tmp_path / "out",
        format="svg",
    )
    assert [(row["image"], row["box"]) for row in answer["rows"]] == [
        (str(path), box) for path in (image, other) for box in ([1, 2, 30, 40], [5, 5, 60, 50])
    ]
    assert answer["rows"][0]["keypoints"] == answer["rows"][2]["keypoints"] != answer["rows"][1]["keypoints"]
    files = [row["files"]["attention"] for row in answer["rows"]]
    assert [Path(file).name for file in files] == ["photo-attention.svg"] * 2 + ["photo-2-attention.svg"] * 2
    text = Path(files[0]).read_text()
    for place in ("crop", "stage 1 sub-network 1, 16x16", "stage 2 sub-network 3, 4x4", "prediction"):
        assert text.count(f">{place}<") == 2
    assert "stage 3" not in text


@pytest.mark.studies
def test_without_a_box_the_image_is_one(results: Path, image: Path, tmp_path: Path) -> None:
    height, width = read_image(image).shape[:2]
    whole = ask(results, "hrnet", image, folder=tmp_path)["rows"]
    assert whole == ask(results, "hrnet", image, boxes=[[0, 0, width, height]], folder=tmp_path)["rows"]
    assert whole[0]["box"] == [0, 0, width, height]


@pytest.mark.studies
def test_what_cannot_be_is_one_line(results: Path, image: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.jpg"
    half.write_bytes(image.read_bytes()[:500])
    text = tmp_path / "text.png"
    text.write_text("no image")
    cases: list[tuple[str, Path, dict[str, Any], str]] = [
        ("hrnet", tmp_path / "gone.jpg", {}, "gone.jpg: cannot read the image: No such file"),
        ("hrnet", half, {}, "half.jpg: a truncated image"),
        ("hrnet", text, {}, "text.png: not an image"),
        ("hrnet", image, {"boxes": [[5, 5, 0, 9]]}, "--box 5,5,0,9: width and height must be above 0"),
        ("hrnet", image, {"boxes": [[float("nan"), 5, 5, 9]]}, "--box nan,5,5,9: "),
        ("hrnet", image, {"boxes": [[9000, 5, 5, 9]]}, "--box 9000,5,5,9: lies outside"),
        ("mrn", image, {"kinds": ("attention",)}, "--show attention: the network of job"),
    ]
    for name, file, more, said in cases:
        with pytest.raises(InvalidInput) as caught:
            ask(results, name, file, folder=tmp_path / "out", **more)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.studies
def test_the_command_line_answers_mistakes_in_one_line(results: Path, image: Path, benchbox: Call) -> None:
    job = job_id(config_of("hrnet"))
    wrong = job[:-1] + ("0" if job[-1] != "0" else "1")
    cases = [
        ([str(image), "--run", wrong], 2, f'did you mean "{job}"?'),
        ([str(image), "--run", job, "--show", "skelton"], 2, '--show skelton: unknown; did you mean "skeleton"?'),
        ([str(image), "--run", job, "--box", "1,2,3"], 2, "--box 1,2,3: must be X,Y,WIDTH,HEIGHT"),
        ([str(image), "--run", job, "--format", "jsn"], 2, 'did you mean "json"?'),
        ([str(image), str(image), "--run", job, "--box", "1,2,3,4"], 2, "--box: belongs to one image, and there are 2"),
        ([str(image), "--run", job, *["--box", "1,2,3,4"] * 51], 2, "--box: 51 of them; one call takes 50 at most"),
        ([str(image), "--run", "gone.toml:arm"], 2, "gone.toml"),
        (["gone.jpg", "--run", job], 2, "gone.jpg: no such file"),
    ]
    for words, code, said in cases:
        done = benchbox("predict", *words, "--results", str(results))
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


@pytest.mark.studies
def test_only_the_weights_of_the_result_will_do(results: Path, image: Path, tmp_path: Path) -> None:
    copy = tmp_path / "results"
    shutil.copytree(results / "jobs", copy / "jobs")
    result, config = result_of(copy, "hrnet"), config_of("hrnet")
    model = result_network(result, config, CPU)
    found = read_weights(result.weights)
    assert all(torch.equal(found[name], tensor) for name, tensor in model.state_dict().items())
    whole = result.weights.read_bytes()

    def refused(kind: type[BenchboxError], said: str) -> None:
        with pytest.raises(kind) as caught:
            ask(copy, "hrnet", image, folder=tmp_path)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    with torch.no_grad():
        next(model.parameters()).mul_(1.001)
    save_weights(result.weights, model)
    refused(InvalidInput, f"{result.weights}: not the weights of the result: digest {digest_of_weights(model)}")
    result.weights.write_bytes(whole[: len(whole) // 2])
    refused(InvalidInput, f"{result.weights}: not a file of weights")
    torch.save(model.state_dict(), result.weights)  # a pickle is no safetensors, whatever its name
    refused(InvalidInput, f"{result.weights}: not a file of weights")
    result.weights.unlink()
    refused(CannotJudge, "was made before weights were kept; make it anew with benchbox run STUDY.toml --stale")


def test_masks_are_held_as_in_the_last_phase(tmp_path: Path) -> None:
    phases = [{"epochs": 1, "trains": "all"}, {"epochs": 1, "trains": "pose", "masks": "ones"}]
    values = {"dataset": {**DATA, "layout": "mpii"}, "model": {"name": "acnn", "stacks": 2, "shrink": 0.05}}
    config = JobConfig.model_validate({**values, "train": {"phases": phases}})
    attempt = Attempt(JobDir(tmp_path), 1)
    attempt.path.mkdir(parents=True)
    model = network(config)
    save_weights(attempt.weights, model)
    run = {"job": "x", "config": config.model_dump_json(), "provenance": "{}", "weights": digest_of_weights(model)}
    records.write(attempt.table("runs"), "runs", [run])
    loaded = result_network(attempt, config, CPU)
    assert loaded.masks == "ones"
    assert attention_modules(loaded) == {}
    assert list(attention_modules(model)) == ["mask_layers.1"]


def seen_by(cache: Path, model: dict[str, Any], **more: Any) -> tuple[torch.nn.Module, TopDown, JobConfig]:
    """Return an untrained network, the crops of some people as it sees them, and their job."""
    values = {
        "dataset": {**DATA, "layout": "mpii"},
        "model": model,
        "train": {"epochs": 0, "sigma": 1.0},
        "evaluate": more,
    }
    config = JobConfig.model_validate(values)
    crops = crops_to_test(config, open_source(config, None, cache))
    return initial_network(config, CPU), replace(crops, people=crops.people[:3]), config


def test_the_last_stage_of_acnn_predicts_what_the_network_does(cache: Path) -> None:
    model, crops, config = seen_by(cache, {"name": "acnn", "stacks": 3, "shrink": 0.05}, flip_test=False)
    points, certain = joints_of(model, crops, config, CPU)
    people = panels(model, crops, config, CPU, points, certain)
    assert len(people) == 3
    for index, (crop, some) in enumerate(people):
        assert crop.shape == (64, 64, 3)
        assert [panel.title for panel in some] == ["crop", "stage 1, 16x16", "stage 2, 16x16", "stage 3, without mask"]
        back = transform_points(some[3].points, invert(crops.crop_matrix(index)))
        np.testing.assert_allclose(back, points[index], atol=1e-3)
        np.testing.assert_allclose(some[3].confidences, certain[index], rtol=1e-4)
        assert not np.array_equal(some[1].points, some[2].points)
        assert [panel.positions is None for panel in some] == [True, False, False, True]


def invert(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


def test_pictures_are_of_the_crop_whatever_the_order_of_the_channels(cache: Path) -> None:
    crops = []
    for colour in ("rgb", "bgr"):
        model, people, config = seen_by(cache, {"name": "mrn", "shrink": 0.05, "attention": "global", "colour": colour})
        crops.append([one.crop for one in heatmaps(model, people, config, CPU)])
        (shown, some), *_ = panels(model, people, config, CPU, np.zeros((3, 16, 2)), np.zeros((3, 16)))
        np.testing.assert_array_equal(shown, crops[-1][0])
        assert [panel.title for panel in some] == ["crop", "image, 64x64", "prediction"]
    np.testing.assert_array_equal(*crops)
    whole = read_image(people.people[0].image)
    seen = Cropper((64, 64)).crop(whole, people.crop_matrix(0), reverse=True)
    np.testing.assert_array_equal(crops[0][0], seen)


def test_coordinates_have_the_heatmaps_of_their_stacks(cache: Path) -> None:
    for kind, each in (("one", ["all joints"]), ("joints", list(SKELETONS["mpii16"].joints))):
        model, crops, config = seen_by(cache, {"name": "mrn", "shrink": 0.05, "heatmaps": kind})
        for person in heatmaps(model, crops, config, CPU):
            assert list(person.titles) == [f"stack {stack} {name}" for stack in (1, 2) for name in each]
            assert person.maps.shape == (2 * len(each), 16, 16)


def test_the_command_line_and_the_worker_know_the_same_kinds() -> None:
    assert set(predict.KINDS) == set(PICTURES)


@pytest.mark.parametrize(
    ("network", "module", "said"),
    [
        ("hrnet", "attention.3.4", "stage 3 sub-network 4"),
        ("resnet", "attention.2", "block 2"),
        ("hourglass", "attention.8", "stack 8"),
        ("acnn", "mask_layers.1", "stage 1"),
        ("mrn", "attention.resolution.0.4", "stack 1 resolution 5"),
        ("mrn", "attention.heatmap.1", "stack 2"),
        ("mrn", "attention.image", "image"),
    ],
)
def test_places_are_named(network: str, module: str, said: str) -> None:
    assert place_of(network, module) == said
