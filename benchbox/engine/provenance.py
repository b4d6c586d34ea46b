"""Which commit, libraries and hardware made a result; never anything from the environment's variables."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

CACHES = ":(top,exclude,glob)**/__pycache__/**"
"""What Python writes beside modules, for git where nothing ignores it."""
PACKAGES = ("benchbox", "torch", "numpy", "opencv-python", "pycocotools", "pyarrow")


def provenance(device: torch.device) -> dict[str, Any]:
    """Describe commit, dirtiness, versions and hardware."""
    name, dirty = commit()
    return {
        "commit": name,
        "dirty": dirty,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "cpu": _cpu(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory used so far: of the device for CUDA, else the process's resident set."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


@cache
def commit() -> tuple[str, bool | None]:
    """Return the commit that the package is of when first asked, and whether it has changes; "", None without git."""
    here = Path(__file__).parent
    try:
        asked = (
            ["ls-files", "--error-unmatch", __file__],
            ["rev-parse", "HEAD"],
            ["status", "--porcelain", "--", str(here.parent), CACHES],  # a study beside the package changes nothing
        )
        run = [
            subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10)
            for words in asked
        ]
    except (OSError, subprocess.TimeoutExpired):
        return "", None
    if any(done.returncode for done in run):
        return "", None
    return run[1].stdout.strip(), bool(run[2].stdout.strip())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
