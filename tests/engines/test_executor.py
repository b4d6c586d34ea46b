"""The executor that CONTRIBUTING.md shows, run as it stands there."""

from __future__ import annotations

import re
import textwrap
import types
from pathlib import Path

import pytest

from benchbox.cli import run
from benchbox.cli.study import Choice
from benchbox.jobdir import JobDir
from benchbox.queues import cluster
from tests.end_to_end import quick

pytestmark = pytest.mark.engines


@pytest.fixture
def shown(root: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> types.ModuleType:
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"leaves jobs to this machine:\n\n(.*?)\n(?=- )", text, re.DOTALL)
    module = types.ModuleType("shown")
    exec(compile(textwrap.dedent(code), "CONTRIBUTING.md", "exec"), module.__dict__)
    monkeypatch.setitem(cluster.CLUSTERS, "shown", module)
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return module


def begun(tmp_path: Path, epochs: int) -> list[JobDir]:
    study = quick.write(tmp_path)
    study.write_text(study.read_text().replace("epochs = 3", f"epochs = {epochs}"))
    assert run.run(study, Choice(None, None, None, tmp_path / "results"), run.How("shown")) == 0
    return [JobDir(path) for path in sorted((tmp_path / "results/jobs").iterdir())]


def test_its_jobs_end_with_the_same_rows(shown: types.ModuleType, undisturbed: Path, tmp_path: Path) -> None:
    jobs = begun(tmp_path, 3)
    quick.wait_until(lambda: all(job.state().name == "done" for job in jobs))
    states, silent = cluster.states(jobs)
    assert ({state.name for state in states.values()}, silent) == ({"done"}, "")
    assert quick.rows(tmp_path / "results") == quick.rows(undisturbed)


def test_what_it_cancels_has_saved_its_state(shown: types.ModuleType, tmp_path: Path) -> None:
    jobs = begun(tmp_path, 300)
    quick.wait_until(lambda: quick.reached(tmp_path / "results", 2))
    cluster.cancel(jobs)
    quick.wait_until(lambda: {state.name for state in cluster.states(jobs)[0].values()} == {"interrupted"})
    assert any((job.attempts / "1/checkpoint.pt").exists() for job in jobs)
