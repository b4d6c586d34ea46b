"""How far a score would move on other persons: the bootstrap beside the ratio estimator's closed form."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from benchbox.jobdir import JobDir
from benchbox.worker.compare import Records
from benchbox.worker.spread import spreads

PROTOCOL = "pckh@0.5/coco17/gt-boxes/flip"


@pytest.mark.studies
def test_the_half_width_is_that_of_a_ratio_over_images(undisturbed: Path, cache: Path) -> None:
    job = sorted(folder.name for folder in (undisturbed / "jobs").iterdir())[0]
    (found,) = [
        row
        for row in spreads(Records(undisturbed, None, cache), [job], ["all"])
        if (row["protocol"], row["metric"], row["group"]) == (PROTOCOL, "PCKh", "all")
    ]
    attempt = JobDir(undisturbed / "jobs" / job).result()
    assert attempt is not None
    by_image: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for person in pq.read_table(attempt.table("people")).to_pylist():
        errors = np.array(person["joint_errors"], float)
        labelled = np.isfinite(errors)
        by_image[person["image"]][0] += int((errors[labelled] <= 0.5).sum())
        by_image[person["image"]][1] += int(labelled.sum())
    hits, counts = np.array(list(by_image.values())).T
    ratio = hits.sum() / counts.sum()
    # Linearised variance of a ratio of sums (Cochran, Sampling Techniques, 6.4).
    error = np.sqrt(((hits - ratio * counts) ** 2).sum()) / counts.sum()
    assert found["half"] == pytest.approx(100 * stats.norm.ppf(0.975) * error, rel=0.1)
