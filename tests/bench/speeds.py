"""Speeds as figures and as shares of what they are held against: `nox -s bench`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from benchbox.config import JobConfig
from benchbox.datasets import coco, topdown
from benchbox.datasets.synthetic import files, scene
from benchbox.engine.train import train_epoch
from benchbox.pose.skeleton import COCO17
from benchbox.worker.network import initial_network

ROOT = Path(__file__).parents[2]
JOB = {
    "dataset": {"name": "synthetic"},
    "model": {"name": "hrnet", "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1]},
    "train": {"sigma": 1.0},
}
BIG = """\
schema = 1
title = "A thousand jobs"
factor = ["train.lr", "model.attend"]
seeds = [0, 1, 2, 3, 4]

[base]
dataset = { name = "synthetic" }
model = { name = "hrnet", attention = "am" }

[axes]
"train.lr" = [LIST]
"model.attend.stages" = [[], [1], [2], [3]]

[reference]
"train.lr" = 0.001
"model.attend.stages" = []
"""


def best(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the least seconds of a few calls."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def command(*words: str, cwd: Path, cache: Path) -> Callable[[], object]:
    """Return a call of the command line."""
    given = {**os.environ, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": ""}
    line = [sys.executable, "-m", "benchbox", *words]
    return lambda: subprocess.run(line, cwd=cwd, env=given, capture_output=True, check=True)


def start_up(folder: Path) -> None:
    """Time --help and the plan of a thousand jobs."""
    bare = best(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    seconds = best(command("--help", cwd=folder, cache=folder))
    print(f"benchbox --help           {seconds:.3f} s   (limit 0.25; a bare Python {bare:.3f})")
    rates = ", ".join(f"{0.001 * (1 + step / 50):.6f}" for step in range(50))
    (folder / "big.toml").write_text(BIG.replace("LIST", rates))
    plan = command("plan", "big.toml", "--format", "csv", cwd=folder, cache=folder)
    plan()
    print(f"plan of 1,000 jobs        {best(plan, 3):.2f} s    (limit 2; counts cached)")


def generator(folder: Path) -> Path:
    """Time the embedded data, drawn and written."""
    drawn = best(lambda: [scene.render("train", index) for index in range(100)], 3) * 10
    began = time.perf_counter()
    base = files.prepare(folder, train=800, test=200)
    print(f"1,000 embedded images     {time.perf_counter() - began:.1f} s    (drawing alone {drawn:.1f})")
    return base / "coco"


def pipeline(root: Path) -> None:
    """Time crops against decoding alone, and the training step with and without the crops."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    people = coco.read_people(root, "train")[:512]
    crops = topdown.TopDown(people, COCO17, (64, 64), (16, 16), 1.0, 40.0, 0.3, 0.5, 0.0, 0)
    decode = len(people) / best(lambda: [cv2.imread(str(person.image)) for person in people])
    sample = len(people) / best(lambda: [crops.training_sample(index, 0) for index in range(len(people))])
    print(
        f"training samples          {sample:.0f}/s   ({100 * sample / decode:.0f} % of decoding alone, {decode:.0f}/s)"
    )
    device = torch.device("cpu")
    model = initial_network(JobConfig.model_validate(JOB), device)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    ready = [tuple(map(np.ascontiguousarray, batch)) for batch in crops.training_batches(0, 32)]
    list(train_epoch(model, optimizer, ready[:2], rate=1e-3, device=device))
    alone = len(people) / best(lambda: list(train_epoch(model, optimizer, ready, rate=1e-3, device=device)), 3)
    fed = crops.training_batches
    whole = len(people) / best(lambda: list(train_epoch(model, optimizer, fed(0, 32), rate=1e-3, device=device)), 3)
    print(f"training, tiny HRNet      {whole:.0f}/s   ({100 * whole / alone:.0f} % of the step alone, {alone:.0f}/s)")


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start_up(folder)
        pipeline(generator(folder))


if __name__ == "__main__":
    main()
