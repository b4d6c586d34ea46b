"""A study on a real Slurm: jobs outlive the command line, and what becomes of them is known."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchbox.jobdir import JobDir
from tests import readme
from tests.end_to_end import quick
from tests.engines import slurm_cluster

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(bool(slurm_cluster.missing()), reason=slurm_cluster.missing() or "all there"),
]
OPTIONS = ("--slurm", "time=60", "--slurm", "cpus_per_task=1")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[dict[str, str]]:
    with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm") / "s") as found:
        yield {**found, "BENCHBOX_CACHE": str(cache), "CUDA_VISIBLE_DEVICES": "", "CI": "1"}


class Folder:
    """A study in a results folder of its own, and the verbs on it."""

    def __init__(self, path: Path, environment: dict[str, str], epochs: int = 3) -> None:
        self.study, self.results, self.environment = quick.write(path), path / "results", environment
        self.study.write_text(self.study.read_text().replace("epochs = 3", f"epochs = {epochs}"))

    def call(self, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchbox", verb, str(self.study), "--results", str(self.results), *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def submit(self, *words: str) -> None:
        done = self.call("run", "--on", "slurm", *OPTIONS, *words)
        assert done.returncode == 0, done.stderr
        assert "submitted" in done.stderr

    def states(self) -> dict[str, dict[str, Any]]:
        shown = self.call("status", "--json")
        assert shown.returncode == 0, shown.stderr
        return {row["job"]: row for row in json.loads(shown.stdout)["rows"]}

    def counts(self) -> dict[str, int]:
        names = [row["state"] for row in self.states().values()]
        return {name: names.count(name) for name in set(names)}

    def jobs(self) -> list[JobDir]:
        return [JobDir(path) for path in sorted((self.results / "jobs").iterdir())]

    def slurm(self, *words: str) -> str:
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()


def wait(folder: Folder, wanted: dict[str, int]) -> None:
    def reached() -> bool:
        return folder.counts() == wanted

    quick.wait_until(reached, 180, pause=0.5)


def test_an_array_of_eight_is_done_and_its_rows_are_those_of_this_machine(
    undisturbed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = Folder(tmp_path, environment)
    folder.submit("--seeds", "0,1,2,3")
    ids = {str((job.submitted() or {})["id"]) for job in folder.jobs()}
    assert len(ids) == 8
    assert len({one.split("_")[0] for one in ids}) == 1  # one array
    again = folder.call("run", "--on", "slurm", *OPTIONS, "--seeds", "0,1,2,3")
    assert "submitted," not in again.stderr  # what waits or runs is not submitted twice
    quick.wait_until(lambda: all(job.state().name == "done" for job in folder.jobs()), 240)
    assert all(job.numbers() == [1] for job in folder.jobs())
    own = quick.rows(undisturbed)
    ours = quick.rows(folder.results)
    seed_0 = {row["job"] for row in own["runs"]}
    for name in ("people", "scores"):
        assert [row for row in ours[name] if row["job"] in seed_0] == own[name]


def test_two_nodes_share_a_job_as_two_processes_do(environment: dict[str, str], tmp_path: Path, cache: Path) -> None:
    for name in ("cluster", "alone"):
        (tmp_path / name).mkdir()
    folder = Folder(tmp_path / "cluster", environment)
    folder.submit("--only", "baseline", "--slurm", "nodes=2")
    wait(folder, {"done": 1, "pending": 1})
    (tmp_path / "alone").mkdir(exist_ok=True)
    words = ("--processes", "2", "-j", "1", "--only", "baseline")
    code, said = quick.finish(quick.start(quick.write(tmp_path / "alone"), tmp_path / "alone/results", cache, *words))
    assert code == 0, said
    ours, theirs = (quick.rows(results) for results in (folder.results, tmp_path / "alone/results"))
    assert [row["processes"] for row in ours["runs"]] == [2]
    assert ours["people"] == theirs["people"]
    assert not list(folder.results.glob("jobs/*/nodes-*"))


def test_a_failing_job_tells_its_class_and_the_others_go_on(environment: dict[str, str], tmp_path: Path) -> None:
    folder = Folder(tmp_path, environment, epochs=1)
    text = folder.study.read_text().replace('"model.attend"', '"model.weights"')
    folder.study.write_text(text.replace("model.attend.stages = [1]", 'model.weights = "w.pt"'))
    (tmp_path / "w.pt").write_bytes(b"no weights")
    folder.submit()
    wait(folder, {"done": 1, "failed": 1})
    (failed,) = [row for row in folder.states().values() if row["state"] == "failed"]
    assert failed["failure"] == "data"
    assert "w.pt" in failed["error"]


def test_cancelled_jobs_save_their_state_and_go_on_when_wanted(environment: dict[str, str], tmp_path: Path) -> None:
    folder = Folder(tmp_path, environment, epochs=30)
    folder.submit("--slurm", "nodelist=n1", "--slurm", "array_parallelism=1")
    quick.wait_until(lambda: quick.reached(folder.results, 2))
    assert folder.counts() == {"running": 1, "queued": 1}
    assert folder.call("cancel").returncode == 0
    wait(folder, {"cancelled": 2})
    quick.wait_until(lambda: folder.slurm("squeue", "-h") == "", 60)
    (saved,) = folder.results.glob("jobs/*/attempts/1/checkpoint.pt")
    assert saved.stat().st_size > 1000


def test_a_preempted_job_saves_its_state_and_goes_on(environment: dict[str, str], tmp_path: Path) -> None:
    folder = Folder(tmp_path, environment, epochs=12)
    folder.submit("--only", "baseline", "--slurm", "nodelist=n1", "--slurm", "partition=main")
    quick.wait_until(lambda: quick.reached(folder.results, 2))
    folder.slurm("sbatch", "-p", "high", "-w", "n1", "-c", "4", "--output=/dev/null", "--wrap", "sleep 3")
    (job,) = folder.jobs()
    quick.wait_until(lambda: job.state().name == "done", 240)
    assert len(job.numbers()) >= 2
    log = (job.path / "attempts/2/log.txt").read_text()
    assert "goes on from attempt 1" in log


def test_a_killed_worker_of_a_dead_node_is_taken_over(environment: dict[str, str], tmp_path: Path) -> None:
    folder = Folder(tmp_path, environment, epochs=8)
    folder.submit("--only", "baseline")
    quick.wait_until(lambda: quick.reached(folder.results, 2))
    (job,) = folder.jobs()
    slurm_id = str((job.submitted() or {})["id"])
    folder.slurm("scancel", "--signal=KILL", "--full", slurm_id)
    quick.wait_until(lambda: folder.states()[job.id]["state"] in ("failed", "interrupted"), 120, pause=0.5)
    folder.submit("--only", "baseline")
    quick.wait_until(lambda: job.state().name == "done", 240)
    assert job.numbers()[-1] == 2


def test_what_the_readme_shows_runs_on_the_cluster(environment: dict[str, str], root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "ablations", tmp_path / "ablations")
    words = shlex.split(readme.shown("--on slurm"))[1:]
    command = [sys.executable, "-m", "benchbox", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    jobs = [JobDir(path) for path in sorted((tmp_path / "results/jobs").iterdir())]
    assert len(jobs) == 2
    quick.wait_until(lambda: all(job.state().name == "done" for job in jobs), 240)


def test_without_slurm_it_is_one_line(tmp_path: Path, cache: Path) -> None:
    folder = Folder(tmp_path, {**os.environ, "PATH": "/nowhere", "BENCHBOX_CACHE": str(cache), "CI": "1"})
    done = folder.call("run", "--on", "slurm")
    assert (done.returncode, "srun is not on the PATH" in done.stderr) == (4, True), done.stderr
