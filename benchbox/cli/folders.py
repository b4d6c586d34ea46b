"""Where results, data and caches lie for this call, and which devices it may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchbox.config import JobConfig, required_files
from benchbox.errors import EnvironmentProblem

LAYOUT = "coco/annotations/person_keypoints_SPLIT.json and the images in coco/SPLIT/"


def data_root() -> Path | None:
    """Return the folder BENCHBOX_DATA names, if any."""
    named = os.environ.get("BENCHBOX_DATA")
    return Path(named).expanduser().resolve() if named else None


def cache_root() -> Path:
    """Return the user's cache folder: BENCHBOX_CACHE, else below XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("BENCHBOX_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "benchbox"


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


def choose_scale(asked: str | None, scales: Sequence[str], data: Path | None) -> tuple[str, str]:
    """Choose a study's scale and say why: `paper` where its full data and a CUDA device are found, else `tiny`."""
    if asked:
        return asked, "asked for"
    reasons = [] if gpus() else ["no CUDA device found"]
    if data is None:
        reasons.append("BENCHBOX_DATA is not set, so no COCO")
    elif not reasons and not _full_coco(data):
        reasons.append(f"not all of COCO 2017 is in {data}")
    if not reasons:
        return "paper", f"a CUDA device and all of COCO 2017 in {data}"
    return ("tiny" if "tiny" in scales else "paper"), "; ".join(reasons)


def require_data(configs: Sequence[JobConfig], data: Path | None) -> None:
    """Refuse to start jobs whose annotations or detections are not there.

    Raises: EnvironmentProblem.
    """
    for name in sorted({name for config in configs for name in required_files(config)}):
        if data is None:
            raise EnvironmentProblem(f"coco: BENCHBOX_DATA is not set; point it at the folder that holds {LAYOUT}")
        if not (data / name).exists():
            raise EnvironmentProblem(f"coco: {data / name}: no such file; BENCHBOX_DATA must hold {LAYOUT}")


def _full_coco(data: Path) -> bool:
    command = [sys.executable, "-m", "benchbox.worker", "full-coco", "--data", str(data)]
    return subprocess.run(command, capture_output=True).returncode == 0
