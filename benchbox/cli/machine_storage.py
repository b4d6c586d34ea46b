"""Checks of the disks of this machine: room and rights where results and caches go, data sets, the clock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchbox.catalogue import CATALOGUE
from benchbox.cli import datasets
from benchbox.cli.finding import Finding, Where, said, size

PACKAGE = Path(__file__).parents[1]
JOB_BYTES = 28 * 28.5e6
"""What a job of HRNet-W32 keeps while it trains: weights, two checkpoints with Adam's moments, 28 bytes a parameter."""
LEAST_BYTES = 100e6
"""With less not even a tiny job ends."""
PACK_BYTES = 36e9
"""The pack of all of COCO."""
SKEW_SECONDS = 5.0
"""A network's disk may tell times in whole seconds, and cache them for some."""
SLACK_SECONDS = 300.0
"""Who commits or writes may have a clock that is a little ahead."""


def results(where: Where) -> list[Finding]:
    """Look whether results can be written, and whether there is room for a job at full size."""
    return [_folder("results", where.results, "--results DIR or BENCHBOX_RESULTS", JOB_BYTES, "a job of HRNet-W32")]


def cache(where: Where) -> list[Finding]:
    """Look whether the cache can be written, and whether there is room for a pack where COCO would need one."""
    whole = where.data is not None and (where.data / CATALOGUE["coco"].parts[0].path).is_file()
    needed, what = (PACK_BYTES, "a pack of all of COCO") if whole else (LEAST_BYTES, "the embedded data")
    instead = "BENCHBOX_CACHE on a larger disk" + (", or run --no-pack" if whole else "")
    return [_folder("cache", where.cache, instead, needed, what)]


def data(where: Where) -> list[Finding]:
    """Look which data sets lie at the data root, and what is missing of those that lie there in part."""
    root = where.data
    if root is None:
        advice = "for real data point it at a folder as benchbox data list shows"
        return [Finding("data", "ok", "BENCHBOX_DATA is not set: embedded data only", advice)]
    if not root.is_dir():
        return [
            Finding("data", "error", f"BENCHBOX_DATA: {root}: no such folder", "correct BENCHBOX_DATA, or unset it")
        ]
    found = []
    for name, entry in CATALOGUE.items():
        states = {part.path: datasets.state(part, root)["state"] for part in entry.parts}
        missing = [path for path, state in states.items() if state == "missing"]
        if not any(state == "found" for state in states.values()):
            found.append(
                Finding(
                    "data", "ok", f"{name}: none in {root}", "if wanted: benchbox data list says where it comes from"
                )
            )
        elif missing:
            text = f"{name}: {root} lacks {', '.join(missing)}"
            found.append(Finding("data", "warning", text, "benchbox data list says where it comes from"))
        else:
            found.append(Finding("data", "ok", f"{name}: found in {root}"))
    return found


def clock(where: Where) -> list[Finding]:
    """Hold the clock against the code, the results and the clock of the disk that results go to."""
    now, advice = time.time(), "set the clock (timedatectl set-ntp true); times and ages of results mislead till then"
    found = []
    for what, then in (("the code", _code_time()), (f"what lies in {where.results}", _newest(where.results))):
        if then is not None and now < then - SLACK_SECONDS:
            text = f"this machine says {_spelt(now)}, but {what} is of {_spelt(then)}"
            found.append(Finding("clock", "warning", text, advice))
    try:
        before, written, after = time.time(), _write(where.results), time.time()
    except OSError:  # told by the check of the results folder
        return found or [Finding("clock", "ok", _spelt(now))]
    skew = min(written - before, 0.0) or max(written - after, 0.0)
    if abs(skew) > SKEW_SECONDS:
        text = f"the disk of {where.results} is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine"
        found.append(Finding("clock", "warning", text, advice.replace("the clock", "both clocks")))
    return found or [Finding("clock", "ok", f"{_spelt(now)}, and so says the disk of {where.results}")]


def _folder(check: str, folder: Path, instead: str, needed: float, what: str) -> Finding:
    try:
        _write(folder)
        disk = os.statvfs(_existing(folder))
    except OSError as problem:
        text = f"{folder}: cannot be written: {(problem.strerror or '').lower()}"
        return Finding(check, "error", text, f"mend it, or {instead}")
    left = disk.f_bavail * disk.f_frsize
    text = f"{folder}: {size(left)} free; {what} takes {size(needed)}"
    if left < LEAST_BYTES or (disk.f_files and not disk.f_favail):
        full = " (no more files can be made)" if disk.f_files and not disk.f_favail else ""
        return Finding(check, "error", text + full, f"make room (benchbox results clean), or {instead}")
    if left < needed:
        return Finding(check, "warning", text, f"make room (benchbox results clean), or {instead}")
    return Finding(check, "ok", text)


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())


def _write(folder: Path) -> float:
    """Write a file where a folder is or would be made, remove it, and return the time that the disk gave it."""
    probe = _existing(folder) / f".benchbox-doctor-{os.getpid()}-{time.monotonic_ns()}"
    try:
        probe.write_bytes(b"benchbox" * 512)
        return probe.stat().st_mtime
    finally:
        if probe.parent.is_dir():
            probe.unlink(missing_ok=True)


def _code_time() -> float:
    """Return when the code was committed last; of an installation without history, when it was written."""
    history = said(["git", "-C", str(PACKAGE), "log", "-1", "--format=%ct", "--", str(PACKAGE)])
    if history.state == "answered" and history.text.strip().isdigit():
        return float(history.text)
    return max(file.stat().st_mtime for file in PACKAGE.glob("*.py"))


def _newest(results: Path) -> float | None:
    """Return when the youngest job's folder changed."""
    try:
        with os.scandir(results / "jobs") as jobs:
            return max((job.stat().st_mtime for job in jobs), default=None)
    except OSError:
        return None


def _spelt(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))
