"""The devices of this machine that jobs may use, and who has them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from benchbox.lease import ALONE

LOOK_SECONDS = 5.0
BUSY_SHARE = 0.1
"""A GPU of which others use more than this share of the memory is busy; a driver alone takes about a hundredth."""


@dataclass(frozen=True)
class Need:
    """What a job needs: so many devices, and bytes of memory on each; 0 where nobody knows."""

    devices: int = 1
    memory: int = 0


@dataclass(frozen=True)
class Device:
    """A GPU, as CUDA_VISIBLE_DEVICES names it, or a core; its memory in bytes, 0 where nobody knows."""

    name: str
    memory: int = 0

    def holds(self, need: Need) -> bool:
        """Tell whether a job's share fits into the device's memory."""
        return not self.memory or need.memory <= self.memory


@dataclass(frozen=True)
class Slot:
    """Devices that one job has, with the environment that confines a worker to them."""

    devices: tuple[Device, ...]
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the devices as one word: gpu0,1 or cpu3."""
        return ",".join(device.name for device in self.devices)


@dataclass
class Pool:
    """Hands out devices, none twice.

    Args:
        devices: all there are.
        environment: what confines a worker to some of them.
        most: jobs at a time.
        foreign: names of the devices that others use; asked now and then, and those are left alone for as long.
        together: jobs on different devices slow each other down, as on cores.
    """

    devices: Sequence[Device]
    environment: Callable[[Sequence[Device]], Mapping[str, str]]
    most: int
    foreign: Callable[[], Collection[str]] = frozenset
    together: bool = False

    def __post_init__(self) -> None:
        self._taken: dict[str, str] = {}
        self._jobs: set[str] = set()
        self._others: Collection[str] = frozenset()
        self._looked = float("-inf")

    @property
    def full(self) -> bool:
        """Tell whether no job at all could begin now."""
        return len(self._jobs) >= self.most or len(self._taken) == len(self.devices)

    def take(self, need: Need) -> Slot | None:
        """Give a job what it needs, the smallest devices that do; None where that is not free now."""
        if len(self._jobs) >= self.most:
            return None
        free = [device for device in self.devices if device.name not in self._taken and device.holds(need)]
        if len(free) < need.devices:
            return None
        free = [device for device in free if device.name not in self._used_by_others()]
        if len(free) < need.devices:
            return None
        chosen = tuple(sorted(free, key=lambda device: device.memory)[: need.devices])
        alone = {ALONE: str(int(self.most == 1 or not self.together))}
        slot = Slot(chosen, {**self.environment(chosen), **alone})
        self._jobs.add(slot.name)
        self._taken |= {device.name: slot.name for device in chosen}
        return slot

    def give_back(self, slot: Slot) -> None:
        """Take the devices of a job that has ended."""
        self._jobs.discard(slot.name)
        for device in slot.devices:
            del self._taken[device.name]
        self._looked = float("-inf")

    def possible(self, need: Need) -> bool:
        """Tell whether a job could have what it needs, were all devices free."""
        return sum(device.holds(need) for device in self.devices) >= need.devices

    def _used_by_others(self) -> Collection[str]:
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            found = self.foreign()
            # What a job of our own uses is not foreign.
            self._others = {name for name in found if name not in self._taken}
        return self._others


def cpu_pool(cores: int, most: int | None = None, each: int = 1) -> Pool:
    """Return a pool of cores for jobs of one thread a process; with `most` jobs at a time there may be more of them
    than cores.

    The number of threads is part of what makes a score repeatable.
    """
    most = most or max(1, cores // each)
    devices = [Device(f"cpu{index}") for index in range(max(cores, most * each))]
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return Pool(devices, lambda chosen: threads | {"CUDA_VISIBLE_DEVICES": ""}, most, together=True)


def gpu_pool(names: Sequence[str], most: int | None = None) -> Pool:
    """Return a pool of GPUs (indices or UUIDs), of which those that others use are waited for."""
    known = _asked_driver()
    devices = [Device(f"gpu{name}", known.get(name, (0, 0))[0]) for name in names]

    def busy() -> set[str]:
        found = _asked_driver()
        return {f"gpu{name}" for name in names if found.get(name, (1, 0))[1] > BUSY_SHARE * found.get(name, (1, 0))[0]}

    def environment(chosen: Sequence[Device]) -> dict[str, str]:
        return {"CUDA_VISIBLE_DEVICES": ",".join(device.name.removeprefix("gpu") for device in chosen)}

    return Pool(devices, environment, min(most or len(devices), len(devices)), busy)


def _asked_driver() -> dict[str, tuple[int, int]]:
    """Return total and used bytes of every GPU, by its index and by its UUID; nothing where the driver is silent."""
    words = ["nvidia-smi", "--query-gpu=index,uuid,memory.total,memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, tuple[int, int]] = {}
    for line in said.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 4 and parts[2].isdigit() and parts[3].isdigit():
            size = (int(parts[2]) * 2**20, int(parts[3]) * 2**20)
            found |= {parts[0]: size, parts[1]: size}
    return found
