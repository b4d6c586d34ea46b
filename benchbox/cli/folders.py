"""Where results, data and caches lie for this call, and which devices it may use."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchbox.catalogue import CATALOGUE
from benchbox.cli.ask import ask
from benchbox.cli.places import cache_root, data_root, root_above
from benchbox.config import JobConfig, required_files
from benchbox.errors import EnvironmentProblem
from benchbox.files import read_json, write_json
from benchbox.queues.pool import Need, Pool, cpu_pool, gpu_pool
from benchbox.spec import Study

__all__ = ["cache_root", "choose_scale", "data_root", "gpus", "is_full", "pool", "require_data"]


def gpus() -> list[str]:
    """List the GPUs this process may use, as CUDA_VISIBLE_DEVICES names them; without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(index) for index, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]


def pool(most: int | None = None, processes: int = 1) -> Pool:
    """Return the devices of this machine for at most so many jobs at a time, each of so many processes.

    Raises: EnvironmentProblem where there are too few GPUs for one job.
    """
    devices = gpus()
    if devices:
        found = gpu_pool(devices, most)
        if not found.possible(Need(processes)):
            raise EnvironmentProblem(f"--processes {processes}: there are {len(devices)} GPUs, and each needs its own")
        return found
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return cpu_pool(cores, most, processes)


def choose_scale(asked: str | None, study: Study, data: Path | None) -> tuple[str, str]:
    """Choose a study's scale and say why: `paper` where its full data and a CUDA device are found, else `tiny`."""
    if asked:
        return asked, "asked for"
    name = str(study.base.values.get("dataset", {}).get("name", ""))
    reasons = [] if gpus() else ["no CUDA device found"]
    if name in CATALOGUE and data is None:
        reasons.append(f"BENCHBOX_DATA is not set, so no {name.upper()}")
    elif name in CATALOGUE and data and not reasons and not is_full(name, data):
        reasons.append(f"not all of {name.upper()} is in {data}")
    if not reasons:
        found = f" and all of {name.upper()} in {data}" if name in CATALOGUE else ""
        return "paper", f"a CUDA device{found}"
    if "tiny" in study.scales:
        return "tiny", "; ".join(reasons)
    return "paper", "; ".join([*reasons, "the study has no scale tiny"])


def require_data(configs: Sequence[JobConfig], data: Path | None) -> None:
    """Refuse to start jobs whose annotations or detections are not there.

    Raises: EnvironmentProblem.
    """
    wanted = {(name, config.dataset.name) for config in configs for name in required_files(config)}
    for name, dataset in sorted(wanted):
        layout = CATALOGUE[dataset].layout
        if data is None:
            raise EnvironmentProblem(f"{dataset}: BENCHBOX_DATA is not set; point it at the folder that holds {layout}")
        if not (data / name).exists():
            where, hint = f"{dataset}: {data / name}: ", root_above(data, name)
            if hint:
                raise EnvironmentProblem(f"{where}no such file{hint}")
            raise EnvironmentProblem(f"{where}no such file; BENCHBOX_DATA must hold {layout} (see benchbox data list)")


def is_full(name: str, data: Path) -> bool:
    """Ask whether all of a data set is there; the answer is kept while its files stay as they are."""
    found = [data / part.path for part in CATALOGUE[name].parts if not part.suffix and (data / part.path).is_file()]
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in found]
    kept = cache_root() / "full" / f"{name}.json"
    record = read_json(kept, {"stamp", "full"})
    if record is None or record["stamp"] != stamp:
        record = {"stamp": stamp, "full": bool(ask(["full", "--dataset", name, "--data", str(data)]))}
        with contextlib.suppress(OSError, EnvironmentProblem):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_json(kept, record)
    return bool(record["full"])
