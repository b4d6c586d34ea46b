"""How long jobs will take: from measured jobs of the same study where there are any, else from rough rates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from benchbox.catalogue import CATALOGUE
from benchbox.config import JobConfig, schedule
from benchbox.options.datasets import CocoOptions, SyntheticOptions

ROUGH_MACS_PER_SECOND = {"cpu": 6e9, "cuda": 1e13}
"""Multiply-adds a second, training included: one CPU thread on networks of 64x64 crops; a data-centre GPU in fp32."""
START_SECONDS = 6.0
IMAGES = {"mpii": 17_408, "lsp": 2_000, "lspet": 10_000}
"""Images with persons to train or to test on; MPII's of the test set, which have no labels, left out."""
PERSONS_PER_IMAGE = 1.27
"""Persons with keypoints per image of COCO train2017 (149,813 / 118,287)."""


def work(config: JobConfig, macs: int, data: Path | None) -> float:
    """Return the multiply-adds of a job: three forward passes' worth a training sample, one or two a test person."""
    train, test = _people(config, data)
    passes = 2 if config.evaluate.flip_test else 1
    epochs = sum(phase.epochs for phase in schedule(config))
    every = config.train.validate_every
    tests = 1 + ((epochs - 1) // every if every and epochs else 0)
    return macs * (3.0 * train * epochs + passes * test * tests)


def seconds(work: Mapping[str, float], measured: Mapping[str, float], device: str) -> dict[str, float]:
    """Return the seconds of every job, measured where it has run, else by the rate of those that have."""
    known = [job for job in measured if work.get(job)]
    rate = sum(work[job] for job in known) / sum(measured[job] for job in known) if known else 0
    rate = rate or ROUGH_MACS_PER_SECOND[device]
    start = 0.0 if known else START_SECONDS
    return {job: measured.get(job) or start + amount / rate for job, amount in work.items()}


def _people(config: JobConfig, data: Path | None) -> tuple[float, float]:
    dataset = config.dataset
    if isinstance(dataset, SyntheticOptions):
        return float(dataset.train), float(dataset.test)
    counts = []
    for split in (dataset.train, dataset.test):
        folder = data / "coco" / split if data and isinstance(dataset, CocoOptions) else None
        if folder and folder.is_dir():
            counts.append(len(os.listdir(folder)) * PERSONS_PER_IMAGE)
        else:
            share = _share(data / dataset.name / "images" if data else None, IMAGES.get(dataset.name))
            counts.append(share * CATALOGUE[dataset.name].people.get(split, 10_000))
    return counts[0], counts[1]


def _share(folder: Path | None, whole: int | None) -> float:
    """Return which share of a data set's images is there; all of it where that is not known."""
    if not folder or not whole or not folder.is_dir():
        return 1.0
    return min(1.0, len(os.listdir(folder)) / whole)
