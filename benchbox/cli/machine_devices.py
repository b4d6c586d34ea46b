"""Checks of the devices of this machine: GPUs and who uses them, cores, memory, shared memory."""

from __future__ import annotations

import os
from pathlib import Path

from benchbox.cli import folders
from benchbox.cli.finding import Finding, Where, said, size
from benchbox.queues.pool import BUSY_SHARE

QUERY = "--query-gpu=index,name,memory.total,memory.used,driver_version"
SHARED = Path("/dev/shm")
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")
DEVICE_FILE = Path("/dev/nvidia0")
SHARED_BYTES = 1e9
"""What several GPUs of one job need to exchange gradients (NCCL); a container has 64 MB unless told otherwise."""
WORKER_BYTES = 1e9
"""What a job on a CPU takes at scale tiny, with torch; as many run as there are cores."""


def gpus(where: Where) -> list[Finding]:
    """Ask the driver for GPUs, their memory, and how much of it others use."""
    answer = said(["nvidia-smi", QUERY, "--format=csv,noheader,nounits"])
    if answer.state == "missing":
        if DEVICE_FILE.exists():
            advice = "install the driver's nvidia-smi, or name the GPUs in CUDA_VISIBLE_DEVICES"
            return [Finding("gpu", "warning", f"{DEVICE_FILE} is there, but no nvidia-smi to find GPUs with", advice)]
        return [Finding("gpu", "ok", "none: no nvidia-smi")]
    if answer.state != "answered":
        advice = "reload the driver or restart the machine; without it jobs run on the CPU"
        return [Finding("gpu", "warning", f"nvidia-smi: {answer.last}", advice)]
    found = [_gpu([part.strip() for part in line.split(",")]) for line in answer.text.splitlines() if "," in line]
    return found or [Finding("gpu", "warning", f"nvidia-smi: {answer.last}", "see nvidia-smi")]


def _gpu(parts: list[str]) -> Finding:
    index, name, total, used, driver = (*parts, "", "", "", "")[:5]
    text = f"{index}: {name}, driver {driver}"
    if not (total.isdigit() and used.isdigit()):
        return Finding("gpu", "warning", f"{text}, which does not tell its memory", "run cannot see whether it is busy")
    text += f", {size(int(total) * 2**20)}"
    taken = size(int(used) * 2**20)
    if int(used) > BUSY_SHARE * int(total):
        advice = f"run waits until it is free; others: CUDA_VISIBLE_DEVICES, or end what nvidia-smi shows on {index}"
        return Finding("gpu", "warning", f"{text}, {taken} used by another process", advice)
    return Finding("gpu", "ok", f"{text}, {taken} used")


def cores(where: Where) -> list[Finding]:
    """Count the cores that this process may use; each job on a CPU has one."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, load = _quota(), os.getloadavg()[0]
    text = f"{usable} usable, so {usable} jobs of one thread at a time; load {load:.1f}"
    if quota is not None and quota < usable:
        advice = f"run -j {max(1, int(quota))}"
        return [Finding("cores", "warning", f"{text}; but this container may use only {quota:g}", advice)]
    if load > usable + 1:
        return [Finding("cores", "warning", f"{text}: others compute here", "expect slow jobs; models bench misleads")]
    return [Finding("cores", "ok", text)]


def memory(where: Where) -> list[Finding]:
    """Look whether as many jobs as there are cores have memory."""
    left = _memory_left()
    if left is None:
        return [Finding("memory", "ok", "this system does not tell how much is free")]
    usable = folders.pool().most
    text = f"{size(left)} free; a job takes about {size(WORKER_BYTES)} at scale tiny, {usable} run at a time"
    if left < usable * WORKER_BYTES:
        return [Finding("memory", "warning", text, f"run -j {max(1, int(left / WORKER_BYTES))}")]
    return [Finding("memory", "ok", text)]


def shared_memory(where: Where) -> list[Finding]:
    """Look for the shared memory through which the processes of one job exchange gradients on GPUs."""
    try:
        found = os.statvfs(SHARED)
    except OSError as problem:
        text = f"{SHARED}: {(problem.strerror or '').lower()}"
        return [Finding("shared memory", "warning", text, "run --processes may fail: mount it")]
    left = found.f_bavail * found.f_frsize
    text = f"{SHARED}: {size(left)} free"
    if left < SHARED_BYTES:
        advice = "before run --processes: docker run --shm-size=2g, or remove what lies in it"
        return [Finding("shared memory", "warning", text, advice)]
    return [Finding("shared memory", "ok", text)]


def _quota() -> float | None:
    """Return how many cores' time a container may use; None where nothing limits it."""
    try:
        most, period = (CGROUP / "cpu.max").read_text().split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):
        return None


def _memory_left() -> float | None:
    """Return the bytes that are free, or that a container may still use; None where nobody tells."""
    try:
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        left = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, ValueError, KeyError):
        return None
    try:
        most = int((CGROUP / "memory.max").read_text())
        return min(left, most - int((CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        return left
