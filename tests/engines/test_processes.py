"""Two real processes under torchrun, on gloo: they train as one does, lose nothing, double nobody."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchbox.jobdir import Attempt, JobDir
from tests.conftest import made_once
from tests.end_to_end import quick
from tests.engines import jobs

pytestmark = pytest.mark.engines
WEIGHTS, JOINTS = 1e-9, 1e-6
"""The tolerance of two processes against one: of weights, and of joints in pixels; in float64."""


@pytest.fixture(scope="session", params=list(jobs.NETWORKS))
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A job done by two processes without a disturbance; only to be read."""

    def make(folder: Path) -> None:
        _, process = jobs.start(jobs.config(request.param, **jobs.LONGER[request.param]), folder, cache, 2)
        assert process.wait(200) == 0, (folder / "log.txt").read_text()
        (folder / "name").write_text(request.param)

    return made_once(tmp_path_factory, f"together-{request.param}", make)


def place(folder: Path) -> JobDir:
    (found,) = (folder / "jobs").iterdir()
    return JobDir(found)


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(value, right[name]) for name, value in left.items())


@pytest.mark.parametrize("name", jobs.NETWORKS)
def test_two_processes_train_as_one(name: str, tmp_path: Path, cache: Path) -> None:
    folders = {number: tmp_path / str(number) for number in (1, 2)}
    for number, folder in folders.items():
        folder.mkdir()
        _, process = jobs.start(jobs.config(name), folder, cache, number, DOUBLE="1")
        assert process.wait(200) == 0, (folder / "log.txt").read_text()
    one, two = (jobs.weights(folder, 0) for folder in folders.values())
    assert equal(two, jobs.weights(folders[2], 1))
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=WEIGHTS, atol=WEIGHTS, msg=key)
    alone, shared = (jobs.rows(place(folder)) for folder in folders.values())
    assert [row["processes"] for row in (*alone["runs"], *shared["runs"])] == [1, 2]
    keys = ("image", "person", "box", "truth")
    assert [[row[key] for key in keys] for row in alone["people"]] == [
        [row[key] for key in keys] for row in shared["people"]
    ]
    joints = [np.array([row["keypoints"] for row in rows["people"]]) for rows in (alone, shared)]
    np.testing.assert_allclose(*joints, atol=JOINTS)


def test_predictions_are_those_of_one_process_to_the_bit(tmp_path: Path, cache: Path) -> None:
    found = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        job, process = jobs.start(jobs.config("hrnet", epochs=0), folder, cache, number)
        assert process.wait(200) == 0, (folder / "log.txt").read_text()
        found.append(jobs.rows(job))
    numbers = [row["person"] for row in found[0]["people"]]
    assert len(set(numbers)) == len(numbers) > 32  # more than one batch
    assert found[0]["people"] == found[1]["people"]
    assert found[0]["scores"] == found[1]["scores"]


def test_kills_change_no_bit(undisturbed: Path, tmp_path: Path, cache: Path) -> None:
    name = (undisturbed / "name").read_text()
    config = jobs.config(name, **jobs.LONGER[name])
    draw = random.Random(name)
    for _ in range(2):
        job, process = jobs.start(config, tmp_path, cache, 2)
        attempt, wanted = job.attempts / str(job.numbers()[-1]), draw.randrange(1, 3)
        while steps(attempt) < wanted and process.poll() is None:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.2))
        jobs.kill(process)
    job, process = jobs.start(config, tmp_path, cache, 2)
    assert process.wait(200) == 0, (tmp_path / "log.txt").read_text()
    assert all(equal(jobs.weights(tmp_path, rank), jobs.weights(undisturbed, 0)) for rank in (0, 1))
    assert jobs.rows(job) == jobs.rows(place(undisturbed))


def steps(attempt: Path) -> int:
    """Return how many epochs an attempt has saved, and one for its beginning to train."""
    begun = (attempt / "progress.json").exists() and b'"train"' in (attempt / "progress.json").read_bytes()
    return begun + sum((attempt / name).exists() for name in ("checkpoint.pt", "checkpoint.before.pt"))


def study(folder: Path) -> Path:
    file = quick.write(folder)
    file.write_text(file.read_text().split('\n[[variants]]\nname = "stage 1"')[0] + "\n[scales.tiny]\n")
    return file


def start(tmp_path: Path, cache: Path) -> subprocess.Popen[str]:
    return quick.start(study(tmp_path), tmp_path / "results", cache, "--processes", "2", "-j", "1")


def test_sigterm_saves_and_a_killed_launcher_leaves_nobody(tmp_path: Path, cache: Path) -> None:
    results = tmp_path / "results"
    process = start(tmp_path, cache)
    quick.wait_until(lambda: quick.reached(results, 1))
    process.terminate()
    code, said = quick.finish(process)
    assert (code, "go on with" in said) == (143, True), said
    (saved,) = results.glob("jobs/*/attempts/1/checkpoint.pt")
    assert JobDir(saved.parents[2]).state().name == "interrupted"

    process = start(tmp_path, cache)
    quick.wait_until(lambda: quick.reached(results, 2))
    launcher = launcher_of(process)
    ranks = jobs.descendants(launcher)
    assert len(ranks) >= 2
    os.killpg(launcher, signal.SIGKILL)
    quick.wait_until(lambda: not any(words(pid) for pid in ranks), 20)
    code, said = quick.finish(process)  # the queue repeats what was killed
    assert code == 0, said
    assert rows_of(results)["runs"][0]["processes"] == 2
    logs = [(results / file).read_text() for file in sorted(results.glob("jobs/*/attempts/[23]/log.txt"))]
    assert all("goes on from attempt" in log for log in logs)


def listening(pids: list[int]) -> set[str]:
    """Return the addresses, as the kernel spells them, at which processes listen, or may be sent to without asking."""
    found, own = set(), set()
    for file in [file for pid in pids for file in Path("/proc").glob(f"{pid}/fd/*")]:
        with contextlib.suppress(OSError):  # closed meanwhile
            own.add(os.readlink(file))
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", kind).read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in own and (words[3] == "0A" or kind.startswith("udp")):
                found.add(words[1].partition(":")[0])
    return found


def test_nothing_listens_but_on_loopback(tmp_path: Path, cache: Path) -> None:
    run, seen = start(tmp_path, cache), set()
    while run.poll() is None:
        seen |= listening([run.pid, *jobs.descendants(run.pid)])
        time.sleep(0.05)
    assert run.returncode == 0
    assert seen, "the processes were not watched while they met"
    assert seen <= {"0100007F", "00000000000000000000000001000000"}, seen


def test_the_watch_sees_who_listens_to_all() -> None:
    with socket.socket() as one:
        one.bind(("0.0.0.0", 0))
        one.listen()
        assert "00000000" in listening([os.getpid()])


def test_a_killed_rank_is_repeated(tmp_path: Path, cache: Path) -> None:
    results = tmp_path / "results"
    process = start(tmp_path, cache)
    quick.wait_until(lambda: quick.reached(results, 1))
    launcher = launcher_of(process)
    os.kill(max(jobs.descendants(launcher)), signal.SIGKILL)
    code, said = quick.finish(process)
    assert code == 0, said
    (folder,) = (results / "jobs").iterdir()
    assert JobDir(folder).numbers() == [1, 2]
    assert "killed by SIGKILL" in (folder / "attempts/1/end.json").read_text()


def rows_of(results: Path) -> dict[str, list[dict[str, Any]]]:
    return quick.rows(results)


def launcher_of(process: subprocess.Popen[str]) -> int:
    """Return the worker that started torchrun, whose other processes have `--processes 1` behind its own words."""
    found = [pid for pid in jobs.descendants(process.pid) if b"--processes\x002" in words(pid)]
    (launcher,) = [pid for pid in found if b"--processes\x001" not in words(pid)]
    return launcher


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_short_memory_in_one_process_goes_on_in_more_parts(tmp_path: Path, cache: Path) -> None:
    job, process = jobs.start(jobs.config("hrnet", batch=16), tmp_path, cache, 2, SHORT="1")
    assert process.wait(200) != 0  # bare torchrun does not start again; the worker's own launcher does
    number = job.numbers()[-1]
    assert Attempt(job, number).asked_parts() == 2
    words = ["run", str(job.path), "--attempt", str(number), "--cache", str(cache), "--processes", "2"]
    given = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-m", "benchbox.worker", *words], env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert jobs.rows(job)["runs"][0]["parts"] == 2
