"""Draining a list of jobs: repeats, cancels, and jobs that other processes work on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchbox.files import write_json
from benchbox.jobdir import Attempt, JobDir
from benchbox.lease import LEASE_SECONDS
from benchbox.queues import schedule
from benchbox.queues.pool import Device, Need, Pool, Slot
from benchbox.queues.schedule import Event, _Drain
from tests.queues.test_pool import Simulated, SimulatedQueue, folders, names


def draining(jobs: list[JobDir], kind: type[SimulatedQueue] = SimulatedQueue) -> tuple[_Drain, list[Event]]:
    events: list[Event] = []
    queue = kind(Pool([Device("a")], names, 1), lambda attempt: [])
    return _Drain(queue, events.append, lambda job: Need(), begin, list(jobs)), events


def begin(job: JobDir) -> None:
    """Write what a worker reads first."""
    job.path.mkdir(parents=True, exist_ok=True)
    (job.path / "job.json").touch()


def finish(drained: _Drain) -> None:
    for _ in range(200):
        drained.see_ends(False)
        drained.start()
        drained.looked = float("-inf")
        drained.look_elsewhere()
        if not drained.left():
            return
    raise AssertionError("jobs are left")


def test_a_job_cancelled_while_it_waits_is_not_begun(tmp_path: Path) -> None:
    jobs = folders(tmp_path, 3)
    drained, events = draining(jobs)
    drained.start()
    jobs[1].cancel()
    finish(drained)
    assert [job.state().name for job in jobs] == ["done", "cancelled", "done"]
    assert [event.job.id for event in events if event.kind == "started"] == [jobs[0].id, jobs[2].id]
    assert drained.outcome.states[jobs[1].id].name == "cancelled"


class Dying(Simulated):
    def poll(self) -> int | None:
        return -9


class DyingQueue(SimulatedQueue):
    def _started(self, attempt: Attempt, slot: Slot) -> Simulated:
        return Dying(attempt, 1)


def test_a_job_whose_workers_are_killed_is_repeated_three_times(tmp_path: Path) -> None:
    (job,) = folders(tmp_path, 1)
    drained, events = draining([job], DyingQueue)
    finish(drained)
    assert job.numbers() == [1, 2, 3, 4]
    assert [event.kind for event in events] == ["started", "repeated"] * 3 + ["started", "ended"]
    assert (job.state().name, job.state().failure) == ("failed", "infrastructure")


def test_a_job_of_another_machine_is_taken_over_when_it_gives_no_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = folders(tmp_path, 1)
    attempt = job.claim()
    assert attempt is not None
    claim = json.loads((attempt.path / "claim.json").read_text())
    write_json(attempt.path / "claim.json", claim | {"host": "another"})
    drained, events = draining([job])
    seconds = [0.0]
    drained.watch.clock = lambda: seconds[0]
    monkeypatch.setattr(schedule.time, "monotonic", lambda: 0.0)
    for beat in range(3):  # it lives
        attempt.heartbeat.write_text(str(beat))
        seconds[0] += LEASE_SECONDS / 2
        drained.start()
        drained.looked = float("-inf")
        drained.look_elsewhere()
    assert [event.kind for event in events] == ["elsewhere"]
    seconds[0] += LEASE_SECONDS
    finish(drained)
    assert [event.kind for event in events] == ["elsewhere", "started", "ended"]
    assert (job.state().name, job.state().attempt) == ("done", 2)


def test_a_job_folder_deleted_while_it_waits_is_done_all_the_same(tmp_path: Path) -> None:
    jobs = folders(tmp_path, 2)
    drained, _ = draining(jobs)
    drained.start()
    shutil.rmtree(jobs[1].path)
    finish(drained)
    assert jobs[1].state().name == "done"
    assert (jobs[1].path / "job.json").exists()


def test_a_job_folder_deleted_under_its_worker_is_begun_again(tmp_path: Path) -> None:
    (job,) = folders(tmp_path, 1)
    drained, events = draining([job])
    drained.start()
    shutil.rmtree(job.path)
    finish(drained)
    assert [event.kind for event in events] == ["started", "repeated", "started", "ended"]
    assert job.state().name == "done"
