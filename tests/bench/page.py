"""How long the page of 1,000 jobs takes, in a process of its own, and how big it is: one study, and twenty."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchbox.cli.arms import counted
from benchbox.plan import expand
from benchbox.spec import read_study
from tests.bench import tables

SCORES = 54
"""Rows of scores of a job: AP of two protocols over all, by category and by joint."""


def made(folder: Path, studies: int, arms: int) -> None:
    """Write so many studies, all jobs of which are done; their networks are counted."""
    for number in range(studies):
        file = folder / f"ablations/study_{number}.toml"
        file.parent.mkdir(exist_ok=True)
        rates = ", ".join(f"{0.001 * (1 + place + number * arms):.3f}" for place in range(arms))
        text = tables.STUDY.replace("LIST", rates).replace("Many arms", f"Many arms, {number}")
        file.write_text(text.replace('"train.lr" = 0.001', f'"train.lr" = {0.001 * (1 + number * arms):.3f}'))
        found = expand(read_study(file), "paper")
        counted(found[:1])
        for arm in found:
            tables.finish(folder / "results", arm.config, arm.job, SCORES, 10)


def measure(studies: int, arms: int) -> tuple[float, int]:
    """Return the seconds of the fastest of three calls, the interpreter's start included, and the page's bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made(folder, studies, arms)
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            command = [sys.executable, "-m", "benchbox", "report", "--scale", "paper"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
        return min(seconds), (folder / "report.html").stat().st_size


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "160")
    for studies, arms in ((1, 1000), (20, 50)):
        seconds, size = measure(studies, arms)
        print(f"page of {studies} x {arms} jobs: {seconds:.2f} s (at most 5), {size / 1e6:.2f} MB (at most 10)")
