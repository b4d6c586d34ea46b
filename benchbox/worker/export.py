"""Write the network of a result as an ONNX file that says what it is, if it computes the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchbox.config import JobConfig
from benchbox.engine.normalise import MEAN, STD, normalised
from benchbox.engine.onnx_file import INPUT, deviation, onnx_bytes, require
from benchbox.engine.weights import digest_of_weights
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.files import write_whole
from benchbox.jobdir import JobDir
from benchbox.worker.network import result_network
from benchbox.worker.source import STRIDE, open_source, skeleton_of, test_crops

LARGEST = 1e-4
"""Deviation from our network that an exported one may have, as a share of the largest value."""
CROPS = 3
CPU = torch.device("cpu")


def export(
    results: Path, job: str, *, out: str, batch: int | None, data: Path | None, cache: Path, largest: float = LARGEST
) -> dict[str, Any]:
    """Export the network of a result, in float32; the file is written only where it computes what ours does.

    Args:
        out: the file. batch: images a call takes; any number when None.
        largest: deviation that is allowed.

    Returns: deviation, largest, written, bytes, crops (what the networks were compared on), facts (metadata), input and
        output, each its name and its shape.

    Raises:
        CannotJudge: the job has no result, or one without weights.
        InvalidInput: damaged weights.
        EnvironmentProblem: the extra is missing, or the file cannot be written.
    """
    require()
    folder = JobDir.of(results, job)
    result = folder.result()
    if result is None:
        raise CannotJudge(f"job {job}: has no result yet")
    config = folder.read()
    model = result_network(result, config, CPU).eval()
    output = config.model.predicts
    facts = facts_of(config, job, digest_of_weights(model))
    size = (config.dataset.input[0], config.dataset.input[1])
    content = onnx_bytes(model, size=size, batch=batch, output=output, facts=facts)
    images, crops = _images(config, batch or CROPS, data, cache)
    # Where any number may come, one alone is tried too: a shape that became a constant would show.
    found = max(deviation(content, model, some) for some in ((images,) if batch else (images, images[:1])))
    if found <= largest:
        write_whole(Path(out), content)
    joints = len(skeleton_of(config).joints)
    shape = [2] if output == "coordinates" else [size[0] // STRIDE, size[1] // STRIDE]
    return {
        "deviation": found,
        "largest": largest,
        "written": found <= largest,
        "bytes": len(content),
        "crops": crops,
        "facts": facts,
        "input": [INPUT, [batch or "B", 3, *size]],
        "output": [output, [batch or "B", joints, *shape]],
    }


def facts_of(config: JobConfig, job: str, weights: str) -> dict[str, str]:
    """Return what who runs the file must know: what it was made of, what goes in, what comes out."""
    height, width = config.dataset.input
    test = config.evaluate
    facts = {
        "job": job,
        "network": config.model.name,
        "weights": weights,
        "input": f"{height}x{width}",
        "colour": config.model.colour,
        "mean": json.dumps(MEAN.tolist()),
        "std": json.dumps(STD.tolist()),
        "range": "[0, 1] before mean and std",
        "joints": json.dumps(list(skeleton_of(config).joints)),
        "predicts": config.model.predicts,
        "coordinates": test.coordinates,
        "flip_test": json.dumps(test.flip_test),
    }
    if config.model.predicts == "heatmaps":
        facts |= {"stride": str(STRIDE), "decode": test.decode}
    return {f"benchbox.{key}": value for key, value in facts.items()}


def _images(config: JobConfig, count: int, data: Path | None, cache: Path) -> tuple[torch.Tensor, str]:
    """Return the first test persons as a network sees them, and what they are; noise where they are not at hand."""
    try:
        crops = test_crops(config, open_source(config, data, cache))
        seen = next(crops.evaluation_batches(count)).images
        # A small test split, or the last batch, may hold fewer than one call takes.
        images, said = np.resize(seen, (count, *seen.shape[1:])), "test persons"
    except (EnvironmentProblem, InvalidInput):
        height, width = config.dataset.input
        images, said = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8), "noise"
    return normalised(images, CPU).contiguous(), said
