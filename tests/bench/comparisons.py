"""Time comparisons at the size of val2017 (AP) and of MPII's validation (PCKh)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from benchbox.metrics.coco_match import match
from benchbox.metrics.coco_truth import read_truth
from benchbox.pose.skeleton import COCO17
from benchbox.stats.ap import ApSample, names_of, people_of
from benchbox.stats.compare import compare
from tests.bench.coco_scores import FILE, drawn
from tests.stats import people

PERSONS, COMPARISONS = 3000, 20


def ap(path: Path) -> None:
    """Print the seconds of one comparison of AP with its permutation test."""
    truth = read_truth(path)
    who = people_of(truth)
    sides = []
    for seed in (0, 1):
        matches = match(truth, drawn(truth, seed=seed), sigmas=COCO17.sigmas)
        sides.append([ApSample(who, {"all": matches}, names_of(["all"]))])
    began, worked = time.perf_counter(), time.process_time()
    compare(*sides, resamples=1000)
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    counted = f"{int((~truth.ignore).sum()):,} persons that count, bootstrap and permutation"
    print(f"AP compared, 1,000 times  {seconds:.2f} s    ({busy:.2f} s of a core; {counted}; limit 10)")


def pckh() -> None:
    """Print the seconds of twenty comparisons of PCKh: all joints, columns and the mean."""
    trained, image = people.drawn(np.random.default_rng(0), trainings=2, persons=PERSONS)
    a, b = ([people.judged(errors, image)] for errors in trained)
    began, worked = time.perf_counter(), time.process_time()
    for seed in range(COMPARISONS):
        compare(a, b, resamples=2000, seed=seed)
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    counted = f"{busy:.2f} s of a core; {PERSONS:,} persons; limit 10"
    print(f"{COMPARISONS} comparisons of PCKh    {seconds:.2f} s    ({counted})")


def main(data: Path | None = None) -> None:
    """Print both; AP only where the real data are.

    Args:
        data: folder of the real data, by default the one that BENCHBOX_DATA names.
    """
    path = (data or Path(os.environ.get("BENCHBOX_DATA", "/nowhere"))) / FILE
    pckh()
    if path.is_file():
        ap(path)
    else:
        print(f"AP compared               not timed: BENCHBOX_DATA holds no {FILE}")


if __name__ == "__main__":
    main()
