"""Devices of a pool: none twice, none too small, none idle while a waiting job fits."""

from __future__ import annotations

import random
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from benchbox.config import JobConfig, job_id
from benchbox.jobdir import Attempt, JobDir
from benchbox.lease import ALONE
from benchbox.queues import pool
from benchbox.queues.local import LocalQueue
from benchbox.queues.pool import Device, Need, Pool, Slot
from benchbox.queues.schedule import Event, _Drain


@dataclass
class Simulated:
    """Stands for a worker that ends after some turns, its job done."""

    attempt: Attempt
    turns: int
    pid: int = 0

    def poll(self) -> int | None:
        self.turns -= 1
        if self.turns > 0:
            return None
        if not self.attempt.path.exists():
            return 1
        self.attempt.table("scores").write_bytes(b"")
        self.attempt.publish({}, 1.0)
        self.attempt.end("done")
        return 0


@dataclass
class SimulatedQueue(LocalQueue):
    draw: random.Random = field(default_factory=random.Random)

    def _started(self, attempt: Attempt, slot: Slot) -> Any:
        return Simulated(attempt, self.draw.randrange(1, 6))


def names(chosen: Sequence[Device]) -> dict[str, str]:
    return {"DEVICES": ",".join(device.name for device in chosen)}


def folders(path: Path, count: int) -> list[JobDir]:
    found = []
    for seed in range(count):
        config = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": {"name": "hrnet"}, "seed": seed})
        found.append(JobDir.of(path, job_id(config)))
        found[-1].write(config)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_random_jobs_on_random_gpus(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    devices = [Device(f"gpu{index}", draw.choice([0, 16, 40, 80])) for index in range(draw.randrange(1, 7))]
    found = Pool(devices, names, draw.choice([len(devices), draw.randrange(1, len(devices) + 1)]))
    jobs = folders(tmp_path, draw.randrange(1, 25))
    needs = {}
    for job in jobs:
        wanted = Need(draw.randrange(1, 4), draw.choice([0, 10, 30, 70]))
        needs[job.id] = wanted if found.possible(wanted) else Need()
    events: list[Event] = []
    queue = SimulatedQueue(found, lambda attempt: [], draw=draw)
    drained = _Drain(queue, events.append, lambda job: needs[job.id], lambda job: None, list(jobs))
    for _ in range(1000):
        drained.see_ends(False)
        drained.start()
        check(queue, devices, needs, drained.waiting, found.most)
        if not drained.left():
            break
    assert not drained.left()
    assert all(job.state().name == "done" for job in jobs)
    assert all(job.numbers() == [1] for job in jobs)
    started = [event.job.id for event in events if event.kind == "started"]
    assert sorted(started) == sorted(job.id for job in jobs)


def check(
    queue: LocalQueue, devices: Sequence[Device], needs: dict[str, Need], waiting: Sequence[JobDir], most: int
) -> None:
    taken = [device for run in queue.running for device in run.slot.devices]
    assert len(taken) == len(set(taken))
    assert len(queue.running) <= most
    for run in queue.running:
        need = needs[run.attempt.job.id]
        assert len(run.slot.devices) == need.devices
        assert all(device.memory == 0 or device.memory >= need.memory for device in run.slot.devices)
        assert run.slot.environment == {**names(run.slot.devices), ALONE: "1"}
    if len(queue.running) < most:
        free = [device for device in devices if device not in taken]
        for job in waiting:
            need = needs[job.id]
            assert sum(device.memory == 0 or device.memory >= need.memory for device in free) < need.devices


def test_the_smallest_device_that_does_is_taken() -> None:
    found = Pool([Device("a", 80), Device("b", 16), Device("c", 40)], names, 3)
    slots = [found.take(Need(1, 30)), found.take(Need(1, 10)), found.take(Need(1, 90)), found.take(Need())]
    assert [slot and slot.name for slot in slots] == ["c", "b", None, "a"]


def test_a_device_that_others_use_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, busy = [0.0], {"a"}
    monkeypatch.setattr(pool.time, "monotonic", lambda: seconds[0])
    found = Pool([Device("a"), Device("b")], names, 2, lambda: set(busy))
    slot = found.take(Need())
    assert slot is not None
    assert (slot.name, found.take(Need())) == ("b", None)
    busy.clear()
    assert found.take(Need()) is None  # not asked again at once
    seconds[0] = pool.LOOK_SECONDS
    other = found.take(Need())
    assert other is not None
    busy.add("a")  # our own job uses it now
    found.give_back(slot)
    assert found.take(Need()) is not None


DRIVER = """\
#!/bin/sh
cat <<'END'
0, GPU-aa, 81559, 4
1, GPU-bb, 81559, 70000
2, GPU-cc, [N/A], [N/A]
END
"""


def test_a_pool_asks_the_driver_for_memory_and_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text(DRIVER)
    driver.chmod(driver.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = pool.gpu_pool(["1", "GPU-aa", "2"])
    assert [device.memory for device in found.devices] == [81559 * 2**20, 81559 * 2**20, 0]
    slots = [found.take(Need()), found.take(Need()), found.take(Need())]
    assert [slot and slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots] == ["2", "GPU-aa", None]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert [device.memory for device in pool.gpu_pool(["0"]).devices] == [0]


def test_cores_are_exclusive_only_to_one_job_at_a_time() -> None:
    said = [found.take(Need()) for found in (pool.cpu_pool(4), pool.cpu_pool(4, 1), replace(pool.cpu_pool(4), most=1))]
    assert [slot and slot.environment[ALONE] for slot in said] == ["0", "1", "1"]
