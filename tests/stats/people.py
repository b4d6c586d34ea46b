"""Made-up persons in images and trainings that judge them, with known truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbox.metrics.conventions import CONVENTIONS, Convention
from benchbox.stats.pck import PckSample, pck_sample
from benchbox.stats.sample import People

JOINTS = tuple(f"joint {number}" for number in range(17))
HRNET = CONVENTIONS["hrnet-v1"]


def people(image: np.ndarray) -> People:
    """Return N persons in the images that `image` (N,) names from 0 up without a gap."""
    names = np.array([f"person {number:05d}" for number in range(len(image))])
    return People(np.arange(image.max() + 1), names, np.zeros((len(image), 1)))


def judged(errors: np.ndarray, image: np.ndarray, convention: Convention = HRNET, **groups: Sequence[int]) -> PckSample:
    """Return the sample of errors (N, K) at the threshold 0.5; NaN is not labelled."""
    known = ~np.isnan(errors)
    named = {f"category:{name}": members for name, members in groups.items()}
    joints = JOINTS[: errors.shape[1]]
    who = people(image)
    return pck_sample(errors, known, 0.5, convention, people=who, image=image, joints=joints, groups=named)


def drawn(
    rng: np.random.Generator, *, trainings: int, persons: int, joints: int = 16, seed_noise: float = 0.0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Draw the errors of trainings alike, and the persons' images.

    Errors correlate within a training, on an image and on a person, so that joints are far from independent.
    """
    image = np.sort(rng.integers(0, persons // 2, persons))
    image = np.unique(image, return_inverse=True)[1]
    images = image.max() + 1
    hard = rng.normal(0, 0.7, persons)[:, None] + rng.normal(0, 0.7, images)[image][:, None]
    trained = []
    for _ in range(trainings):
        own = rng.normal(0, 0.5, persons)[:, None] + rng.normal(0, 0.5, images)[image][:, None]
        each = rng.normal(0, 0.7, (persons, joints))
        trained.append(0.3 * np.exp(hard + own + each + rng.normal(0, seed_noise)))
    return trained, image
