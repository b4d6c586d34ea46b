"""Planted bugs: one checkpoint evaluated again, without a bug and with one; the gate finds and names each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchbox.datasets import coco
from benchbox.jobdir import JobDir
from benchbox.plan import Arm, expand
from benchbox.pose import heatmap
from benchbox.spec import read_study
from benchbox.worker import run
from tests.gates import made

pytestmark = pytest.mark.faults
STUDY = """\
schema = 1
title = "A checkpoint evaluated"
factor = ["evaluate.flip_test"]

[base]
dataset = { name = "synthetic", train = 1500, test = 300, input = [64, 64] }
model = { name = "hrnet", width = 32, shrink = 0.25, blocks = 1, modules = [1, 1, 1], attention = "am" }
train = { epochs = 0 }

[[variants]]
name = "baseline"
reference = true
evaluate.flip_test = true

[[variants]]
name = "no flip test"
evaluate.flip_test = false
"""
GATE = {"scale": '"paper"', "seeds": "1", "tolerance": "0.5"}


def evaluate(folder: Path, cache: Path) -> None:
    """Do the job of the study's baseline in this process, anew."""
    made.unpublish(folder)
    arm = arm_of(folder / "study.toml")
    job = JobDir.of(folder / "results", arm.job)
    job.write(arm.config)
    attempt = job.claim()
    assert attempt is not None
    run.run_attempt(attempt, None, cache)


def arm_of(study: Path) -> Arm:
    return expand(read_study(study), "paper")[0]


@pytest.fixture(scope="module")
def trained(root: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The smoke study's trained baseline: a folder with its weights, a study that evaluates them, and the reference."""
    folder, before = tmp_path_factory.mktemp("planted"), torch.get_num_threads()
    arm = next(arm for arm in expand(read_study(root / "ablations/smoke.toml"), "tiny", [0]) if arm.reference)
    job = JobDir.of(folder / "training", arm.job)
    job.write(arm.config)
    attempt = job.claim()
    assert attempt is not None

    def kept(model: torch.nn.Module) -> str:
        torch.save(model.state_dict(), folder / "weights.pth")
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setattr(run, "digest_of_weights", kept)
        run.run_attempt(attempt, None, cache)
    (folder / "study.toml").write_text(STUDY.replace("[1, 1, 1],", '[1, 1, 1], weights = "weights.pth",'))
    made.declare(folder, GATE, {**GATE, "metric": '"AP"', "tolerance": "0.3"})
    evaluate(folder, cache)
    assert made.call(folder, update=True) == 0
    yield folder
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


def said(folder: Path) -> tuple[list[str], str]:
    """Return the gates' outcomes and everything said of them, cause first."""
    rows = made.verdicts(folder)
    texts = [[row["reason"], *(row["diagnosis"]["sentences"] if row["diagnosis"] else [])] for row in rows]
    print(json.dumps(rows, indent=1))
    return [row["outcome"] for row in rows], "\n".join(text for some in texts for text in some)


def test_without_a_bug_it_passes(trained: Path, cache: Path) -> None:
    evaluate(trained, cache)
    assert made.call(trained) == 0
    assert [row["reason"] for row in made.verdicts(trained)] == ["the same to the bit"] * 2


def test_a_flip_test_that_does_not_exchange_left_and_right(
    trained: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heatmap, "mirror_order", lambda joints, pairs: np.arange(joints))
    evaluate(trained, cache)
    assert made.call(trained) == 1
    outcomes, text = said(trained)
    assert outcomes[0] == "regressed"
    assert "left and right look exchanged" in text
    assert "moved by" not in text


def test_a_decoding_half_a_pixel_off(trained: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = heatmap.image_points
    monkeypatch.setattr(
        heatmap, "image_points", lambda positions, *words, **more: right(positions + 0.5, *words, **more)
    )
    evaluate(trained, cache)
    assert made.call(trained) == 1
    outcomes, text = said(trained)
    assert outcomes[0] == "regressed"
    assert "all joints moved by (+2.0" in text
    assert "(+0.50, +0.50) heatmap cells" in text
    assert "exchanged" not in text


def test_head_sizes_without_their_factor(trained: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = coco.head_size
    monkeypatch.setattr(coco, "head_size", lambda boxes: right(boxes) / 0.6)
    evaluate(trained, cache)
    assert made.call(trained) == 3
    outcomes, text = said(trained)
    assert set(outcomes) == {"could not judge"}
    assert "head sizes are 1.67 times the reference's" in text
