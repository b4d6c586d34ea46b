"""Build a pack: whole or not at all, once for all jobs, by several processes."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchbox.datasets.image import read_image
from benchbox.datasets.image_size import image_size
from benchbox.datasets.lock import held
from benchbox.datasets.pack import Pack, Region, describe, merged, open_pack, pack_key, reached
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.files import explained
from benchbox.pose.people import Person

Told = Callable[[int, int], None]

MOST_PROCESSES = 8
BYTES_A_PROCESS = 2**28
"""Decoded bytes below which another process takes longer to start than it saves."""
SPARE = 1.05
_TELL_SECONDS = 0.2
_GIB = 2**30


class Share(NamedTuple):
    """One image to decode: its file, its (height, width), the regions to keep and where in pixels.bin each begins."""

    path: Path
    size: tuple[int, int]
    regions: list[Region]
    offsets: list[int]


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a pack will hold: its images, its index but the CRCs, its bytes and those of its whole images."""

    shares: list[Share]
    index: np.ndarray
    bytes: int
    decoded: int


def prepare(
    packs: Path,
    people: Sequence[Person],
    *,
    frames: tuple[np.ndarray, np.ndarray],
    input_size: tuple[int, int],
    told: Told,
) -> Pack:
    """Return the pack of some people, built on the first call.

    Several processes may call this at once: one builds, the others wait. A folder has its name only once complete.

    Args:
        packs: folder to keep packs in; made when missing.
        people: N people.
        frames: center (N, 2) in pixels and scale (N, 2) of their boxes in the aspect ratio of the input.
        input_size: (height, width) of the crops.
        told: hears how many images of how many are done; what it raises ends the build.

    Raises:
        EnvironmentProblem: the disk lacks room or refuses to be written; nothing is left behind.
    """
    final = packs / pack_key(people, input_size)
    pack = open_pack(final, len(people))
    if pack is not None:
        return pack
    images = len({person.image for person in people})
    with _explained(packs):
        packs.mkdir(parents=True, exist_ok=True)
        with held(packs / ".lock", lambda: told(0, images)):
            pack = open_pack(final, len(people))  # the holder before us may have built it
            return pack if pack is not None else _build(final, _planned(people, frames), told)


def _planned(people: Sequence[Person], frames: tuple[np.ndarray, np.ndarray]) -> Plan:
    """Lay out a pack; an image that cannot be read has no region, and who trains on it will be told."""
    groups: dict[Path, list[int]] = {}
    for place, person in enumerate(people):
        groups.setdefault(person.image, []).append(place)
    known = {path: size for path in groups if (size := image_size(path)) is not None}
    sizes = np.array([known.get(person.image, (0, 0)) for person in people], dtype=np.int64).reshape(-1, 2)
    regions = reached(*frames, sizes).tolist()
    index = np.zeros((len(people), 8), dtype=np.int64)
    shares, offset = [], 0
    for path, size in known.items():
        group = [place for place in groups[path] if min(regions[place][2:]) > 0]
        if not group:
            continue
        offsets: dict[Region, int] = {}
        for place, region in zip(group, merged([tuple(regions[place]) for place in group]), strict=True):
            if region not in offsets:
                offsets[region] = offset
                offset += 3 * region[2] * region[3]
            index[place, :-1] = offsets[region], *region, *size
        shares.append(Share(path, size, list(offsets), list(offsets.values())))
    return Plan(shares, index, offset, sum(3 * height * width for height, width in known.values()))


def _build(final: Path, plan: Plan, told: Told) -> Pack:
    """Make the pack in a folder of its own and give it its name when it is complete."""
    # Under the lock, whatever stands here was left by a process that was killed, or is damaged.
    for leftover in (*final.parent.glob(".partial-*"), final):
        shutil.rmtree(leftover, ignore_errors=True)
    _check_room(final.parent, plan.bytes)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=final.parent))
    try:
        pixels = partial / "pixels.bin"
        with open(pixels, "wb") as file:
            _reserve(file.fileno(), plan.bytes)
        found = _decoded(pixels, plan, told)
        plan.index[:, -1] = [found.get(offset, -1) for offset in plan.index[:, 0].tolist()]
        plan.index[plan.index[:, -1] < 0] = 0  # an image that is not as its header says, or unreadable: no region
        meta = describe(partial, plan.index, plan.bytes)
        meta |= {"key": final.name, "images": len(plan.shares)}
        (partial / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
        for written in partial.iterdir():
            _settle(written)  # else a crash of the machine could leave a whole name with holes inside
        partial.chmod(0o755)
        os.replace(partial, final)
        _settle(final.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    pack = open_pack(final, len(plan.index))
    if pack is None:
        raise EnvironmentProblem(f"{final}: cannot be read back after it was written")
    return pack


def _decoded(pixels: Path, plan: Plan, told: Told) -> dict[int, int]:
    """Fill pixels.bin and return the CRC-32 of every region by its offset."""
    images = len(plan.shares)
    told(0, images)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(MOST_PROCESSES, cores, 1 + plan.decoded // BYTES_A_PROCESS)
    if count > 1:
        return _by_processes(pixels, plan.shares, count, lambda done: told(done, images))
    crcs: dict[int, int] = {}
    for done, more in enumerate(_filled(pixels, plan.shares), start=1):
        crcs |= more
        told(done, images)
    return crcs


def _filled(pixels: Path, shares: Sequence[Share]) -> Iterator[dict[int, int]]:
    """Write the regions of one image after the other; yield their CRC-32 by offset."""
    with open(pixels, "r+b", buffering=0) as file:
        for share in shares:
            crcs: dict[int, int] = {}
            try:
                image = read_image(share.path)
            except InvalidInput:
                image = np.empty((0, 0, 3), dtype=np.uint8)
            if image.shape[:2] == share.size:
                for (top, left, height, width), offset in zip(share.regions, share.offsets, strict=True):
                    rows = image[top : top + height, left : left + width].tobytes()
                    _write_at(file.fileno(), rows, offset)
                    crcs[offset] = zlib.crc32(rows)
            yield crcs


def _write_at(file: int, content: bytes, offset: int) -> None:
    """Write all of some bytes: the system may take fewer at once."""
    left = memoryview(content)
    while left:
        taken = os.pwrite(file, left, offset)
        left, offset = left[taken:], offset + taken


def _by_processes(pixels: Path, shares: list[Share], count: int, told: Callable[[int], None]) -> dict[int, int]:
    """Fill pixels.bin by several processes, each with every so manieth image; none outlives this call."""
    context = multiprocessing.get_context("spawn")
    running: dict[Connection, BaseProcess] = {}
    crcs: dict[int, int] = {}
    done = 0
    try:
        for number in range(count):
            here, there = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_work, args=(there, pixels, shares[number::count]), daemon=True
            )
            process.start()
            there.close()
            running[here] = process
        while running:
            for link in [link for link in wait(list(running), _TELL_SECONDS) if isinstance(link, Connection)]:
                try:
                    message = link.recv()
                except EOFError:
                    told(done)  # who stops us stops them too
                    _check_end(running.pop(link))
                    continue
                if isinstance(message, OSError):
                    raise message
                done += message[0]
                crcs |= message[1]
            told(done)
    finally:
        for process in running.values():
            process.kill()
            process.join()
    return crcs


def _work(link: Connection, pixels: Path, shares: Sequence[Share]) -> None:
    """Fill a share of pixels.bin; send numbers of images with CRC-32 by offset, or the error of a disk."""
    for number in (signal.SIGTERM, signal.SIGINT):  # they reach the whole group of processes; our parent ends us
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)
    done, crcs, sent = 0, dict[int, int](), time.monotonic()
    try:
        for more in _filled(pixels, shares):
            done += 1
            crcs |= more
            if time.monotonic() - sent >= _TELL_SECONDS:
                link.send((done, crcs))
                done, crcs, sent = 0, {}, time.monotonic()
        link.send((done, crcs))
    except BrokenPipeError:
        return  # our parent is gone
    except OSError as problem:
        with contextlib.suppress(BrokenPipeError):
            link.send(problem)


def _check_end(process: BaseProcess) -> None:
    """Refuse a process that did not end by itself."""
    process.join()
    code = process.exitcode or 0
    if code < 0:
        name = signal.Signals(-code).name
        raise EnvironmentProblem(f"a process that builds the pack of training crops was killed by {name}")
    if code > 0:
        raise RuntimeError(f"a process that builds the pack ended with exit code {code}; its error stands above")


def _reserve(file: int, size: int) -> None:
    """Take the room for a file at once, where the file system can."""
    try:
        if size:
            os.posix_fallocate(file, 0, size)
    except OSError as problem:
        if problem.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        os.ftruncate(file, size)


def _settle(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_room(packs: Path, size: int) -> None:
    needed, free = size * SPARE, shutil.disk_usage(packs).free
    if needed > free:
        raise _no_room(packs, f"needs {needed / _GIB:.3g} GiB, {free / _GIB:.3g} GiB are free")


def _no_room(packs: Path, why: str) -> EnvironmentProblem:
    remedy = "set BENCHBOX_CACHE to a folder on a larger disk, or use benchbox run --no-pack"
    return EnvironmentProblem(f"{packs}: the pack of training crops {why}; {remedy}")


@contextlib.contextmanager
def _explained(packs: Path) -> Iterator[None]:
    """Turn what a disk refuses into one line."""
    with explained(packs):
        try:
            yield
        except OSError as problem:
            if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise _no_room(packs, "no longer fits: the disk is full") from None
