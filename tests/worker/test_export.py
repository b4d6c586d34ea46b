"""A job's network as an ONNX file: who reads only its metadata gets our numbers, and nothing else is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from benchbox.cli import export as verb
from benchbox.config import JobConfig
from benchbox.engine import onnx_file
from benchbox.engine.fold import folded
from benchbox.engine.predict import predict
from benchbox.errors import BenchboxError, CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.jobdir import JobDir
from benchbox.worker import export
from benchbox.worker.network import result_network
from benchbox.worker.source import open_source
from benchbox.worker.source import test_crops as crops_to_test
from tests.end_to_end import quick

CPU = torch.device("cpu")


@pytest.fixture
def job(undisturbed: Path) -> str:
    return sorted(entry.name for entry in (undisturbed / "jobs").iterdir())[0]


def test_the_metadata_say_all_that_it_takes(job: str, undisturbed: Path, cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "network.onnx"
    found = export.export(undisturbed, job, out=str(file), batch=None, data=None, cache=cache)
    assert (found["written"], found["crops"], found["bytes"]) == (True, "test persons", file.stat().st_size)
    assert 0 < found["deviation"] <= export.LARGEST
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert facts == found["facts"]
    assert (facts["benchbox.job"], facts["benchbox.input"], facts["benchbox.stride"]) == (job, "64x64", "4")
    folder = JobDir.of(undisturbed, job)
    config, result = folder.read(), folder.result()
    assert result is not None
    crops = next(crops_to_test(config, open_source(config, None, cache)).evaluation_batches(5)).images
    mean, std = (np.array(json.loads(facts[f"benchbox.{name}"])) for name in ("mean", "std"))
    assert facts["benchbox.colour"] == "rgb"
    given = ((crops / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32)
    (heatmaps,) = session.run(None, {found["input"][0]: given})
    model = result_network(result, config, CPU)
    expected = predict(model, crops, device=CPU, flip_test=False, flip_shift=False, flip_pairs=())
    assert heatmaps.shape == expected.shape == (5, len(json.loads(facts["benchbox.joints"])), 16, 16)
    assert np.abs(heatmaps - expected).max() <= export.LARGEST * np.abs(expected).max()
    assert list(tmp_path.iterdir()) == [file.parent]
    assert list(file.parent.iterdir()) == [file]


def test_coordinates_are_named_as_such() -> None:
    values = {"dataset": {"name": "synthetic", "layout": "mpii", "input": [64, 64]}, "model": {"name": "mrn"}}
    facts = export.facts_of(JobConfig.model_validate(values), "ab", "cd")
    assert facts["benchbox.predicts"] == "coordinates"
    assert "benchbox.stride" not in facts
    assert json.loads(facts["benchbox.joints"])[0] == "right_ankle"


def test_a_network_that_computes_something_else_is_not_written(
    job: str, undisturbed: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: nn.Module) -> nn.Module:
        copy = folded(model)
        next(copy.parameters()).data.mul_(1.01)
        return copy

    monkeypatch.setattr(onnx_file, "folded", wrong)
    file = tmp_path / "network.onnx"
    found = export.export(undisturbed, job, out=str(file), batch=2, data=None, cache=cache)
    assert found["deviation"] > export.LARGEST
    assert found["written"] is False
    assert list(tmp_path.iterdir()) == []


def test_without_the_images_it_is_compared_on_noise() -> None:
    config = JobConfig.model_validate({"dataset": {"name": "coco", "input": [64, 96]}, "model": {"name": "hrnet"}})
    images, said = export._images(config, 2, None, Path("/nowhere"))
    assert (tuple(images.shape), said) == ((2, 3, 64, 96), "noise")
    assert float(images.std()) > 0.5


def test_what_is_missing_is_one_line(
    job: str, undisturbed: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"out": str(tmp_path / "x.onnx"), "batch": 1, "data": None, "cache": cache}
    with pytest.raises(CannotJudge, match="has no result yet"):
        export.export(tmp_path, job, **given)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'benchbox\[onnx\]'"):
        export.export(undisturbed, job, **given)
    assert list(tmp_path.iterdir()) == []


def call(job: str, results: Path, out: Path | None = None, batch: int | None = None, dynamic: bool = False) -> int:
    return verb.export(job, out, batch, dynamic, scale=None, results=results, format="json")


@pytest.mark.studies
def test_the_verb_prints_what_it_wrote(
    job: str,
    undisturbed: Path,
    cache: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    study = quick.write(tmp_path)
    assert call(f"{study}:baseline", undisturbed, batch=2) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["input"], row["output"]) == ("images 2x3x64x64", "heatmaps 2x17x16x16")
    assert (tmp_path / row["file"]).stat().st_size == row["bytes"]
    answer = {"written": False, "deviation": 0.25, "largest": 1e-4}
    monkeypatch.setattr(verb, "ask", lambda words, asked: answer)
    assert call(job[:6], undisturbed) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"{job}.onnx: not written: its output is 2.5e-01 of the largest value off ours, more than 1e-04\n",
    )


@pytest.mark.parametrize(
    ("named", "kind", "said"),
    [
        ({"batch": 2, "dynamic": True}, InvalidInput, "--batch 2: goes without --dynamic"),
        ({"out": Path("x.pt")}, InvalidInput, "--out x.pt: must name a file that ends in .onnx"),
        ({"job": "zz"}, InvalidInput, "job zz: not in"),
    ],
)
def test_mistakes_are_one_line(
    named: dict[str, object], kind: type[BenchboxError], said: str, job: str, undisturbed: Path
) -> None:
    with pytest.raises(kind, match=said) as problem:
        call(**{"job": job, "results": undisturbed, **named})
    assert "\n" not in str(problem.value)
