"""Save and load the state of a training, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import torch
from torch import nn


def save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    position: tuple[int, int],
    tally: dict[str, float],
    source: str,
) -> None:
    """Write model, optimizer, the (epoch, step) to take next and the sums so far, with the digest of the source."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    refused = ""
    try:
        torch.save(state | {"position": list(position), "tally": tally, "source": source}, temporary)
        os.replace(temporary, path)
    except RuntimeError as problem:
        refused = str(problem)
    finally:
        temporary.unlink(missing_ok=True)
    # Raised out here, where no traceback holds torch's open file and with it the room on the disk.
    if "write" in refused or "enforce fail" in refused:  # torch's own words for a disk that is full
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if refused:
        raise RuntimeError(refused)


def load(
    path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, *, source: str
) -> tuple[tuple[int, int], dict[str, float]] | None:
    """Restore model and optimizer; return position and sums, or None for a damaged file or one of another source."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged file raises nearly anything, and none of it is worth more than starting again
        return None
    if state.get("source") != source:
        return None
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    epoch, step = state["position"]
    return (int(epoch), int(step)), dict(state["tally"])
