"""Checks of the software of this machine: Python, torch with its CUDA, OpenCV, Slurm."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from typing import Any

from benchbox import __version__
from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.finding import Finding, Where, said
from benchbox.errors import BenchboxError

OLDEST_PYTHON = (3, 11)
TORCH_SECONDS = 60.0
"""How long torch may take to be imported; from a network's disk it takes long the first time."""
INSTALL_TORCH = "install one that fits: https://pytorch.org/get-started/locally"


def python(where: Where) -> list[Finding]:
    """Look at the interpreter and at which benchbox it runs."""
    found = f"Python {platform.python_version()} ({sys.executable}), benchbox {__version__}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return [Finding("python", "error", found, "install Python 3.11 or later and make the environment anew")]
    return [Finding("python", "ok", found)]


def torch(where: Where) -> list[Finding]:
    """Ask torch, in a process of its own, which devices it can use and whether they compute in bf16."""
    try:
        sees = ask(["torch"], seconds=TORCH_SECONDS)
    except (BenchboxError, RuntimeError) as problem:  # whatever a broken installation does, a crash included
        last = str(problem).strip().splitlines()[-1]
        return [Finding("torch", "error", last, "pip install --force-reinstall -c constraints.txt torch")]
    built = f"built for CUDA {sees['cuda']}" if sees["cuda"] else "built without CUDA"
    return [Finding("torch", "ok", f"torch {sees['version']}, {built}"), _cuda(sees), _bf16(sees)]


def _cuda(sees: dict[str, Any]) -> Finding:
    named, used = folders.gpus(), sees["gpus"]
    if len(used) >= len(named) > 0:
        return Finding("cuda", "ok", f"torch can use {', '.join(used)}")
    if not named:
        return Finding("cuda", "ok", "no GPU to use: jobs run on the CPU, studies at scale tiny")
    why = sees["why_not"] or (f"it sees {len(used)}" if sees["cuda"] else "it is built without CUDA")
    text = f"torch cannot use all GPUs that are named ({', '.join(named)}): {why}"
    advice = "see nvidia-smi and CUDA_VISIBLE_DEVICES; " if sees["cuda"] else ""
    return Finding("cuda", "error", text, advice + INSTALL_TORCH)


def _bf16(sees: dict[str, Any]) -> Finding:
    device, native = ("GPU", sees["bf16"]["cuda"]) if sees["gpus"] else ("CPU", sees["bf16"]["cpu"])
    if native:
        return Finding("bf16", "ok", f"this {device} computes in bf16")
    # No CPU job asks for it by itself; who bought a GPU may expect it.
    text = f"this {device} does not compute in bf16; a job that asks for it fails"
    return Finding("bf16", "warning", text, 'keep precision = "fp32"') if sees["gpus"] else Finding("bf16", "ok", text)


def opencv(where: Where) -> list[Finding]:
    """Import OpenCV in a process of its own; it needs shared libraries that a slim system lacks."""
    try:
        version = ask(["opencv"], seconds=TORCH_SECONDS)
    except (BenchboxError, RuntimeError) as problem:
        last = str(problem).strip().splitlines()[-1]
        text, _, advice = last.partition("; ")
        return [Finding("opencv", "error", text, advice or "pip install -c constraints.txt opencv-python")]
    return [Finding("opencv", "ok", f"OpenCV {version}")]


def slurm(where: Where) -> list[Finding]:
    """Ask a Slurm cluster whether it answers, and look for what `run --on slurm` needs; none is fine."""
    if not shutil.which("sbatch"):
        return [Finding("slurm", "ok", "no sbatch here: run --on local")]
    signs = said(["munge", "-n"])
    unsigned = signs.state in ("failed", "silent")
    answer = said(["sinfo", "-h", "-o", "%P %a"])
    if answer.state != "answered":
        advice = "run --on local" + (", or start munged, with the cluster's key" if unsigned else "")
        reason = "no such command" if answer.state == "missing" else answer.last.removeprefix("sinfo: ")
        return [Finding("slurm", "warning", f"installed, but no cluster answers: sinfo: {reason}", advice)]
    found = []
    if importlib.util.find_spec("submitit") is None:
        found.append(Finding("submitit", "warning", "not installed", "pip install 'benchbox[slurm]'"))
    if unsigned:
        found.append(Finding("munge", "warning", signs.last, "start munged, with the cluster's key"))
    states = [line.split() for line in answer.text.splitlines()]
    up = [state[0] for state in states if state[1:] == ["up"]]
    if not up:
        return [*found, Finding("slurm", "warning", "sinfo: no partition is up", "ask who runs the cluster")]
    return [*found, Finding("slurm", "ok", f"partitions that are up: {', '.join(up)}")]
