"""Save and load the state of a training, whole or not at all; the last two are kept."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Saved:
    """Where a training stands: the (epoch, step) to take next, its sums so far, its optimizer and its best weights."""

    position: tuple[int, int]
    tally: dict[str, Any]
    optimizer: dict[str, Any]
    best: dict[str, torch.Tensor] | None


def save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    position: tuple[int, int],
    tally: dict[str, Any],
    source: str,
    best: dict[str, torch.Tensor] | None = None,
) -> None:
    """Write model, optimizer, random generators, the (epoch, step) to take next, the sums so far, and best weights.

    Args: source: digest of the code that made it.
    Raises: OSError when the disk refuses; what was saved before is still there.
    """
    state: dict[str, Any] = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "best": best}
    state["random"] = torch.get_rng_state()
    if torch.cuda.is_available():
        state["random_cuda"] = torch.cuda.get_rng_state()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    refused = ""
    try:
        torch.save(state | {"position": list(position), "tally": tally, "source": source}, temporary)
        if path.exists():
            os.replace(path, before(path))
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


def before(path: Path) -> Path:
    """Return where the last checkpoint but one lies."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


def load(path: Path, model: nn.Module, *, source: str) -> Saved | None:
    """Restore model and random generators from the last checkpoint, or the one before where that is damaged.

    Returns: where it stands; None where there is none, or only of another source.
    """
    for file in (path, before(path)):
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
            if state["source"] != source:
                continue
            epoch, step = state["position"]
            saved = Saved((int(epoch), int(step)), dict(state["tally"]), state["optimizer"], state["best"])
        except Exception:  # a damaged file raises nearly anything, and none of it is worth more than starting again
            continue
        model.load_state_dict(state["model"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available() and "random_cuda" in state:
            torch.cuda.set_rng_state(state["random_cuda"])
        return saved
    return None


def remove(path: Path) -> None:
    """Remove a training's checkpoints."""
    for file in (path, before(path)):
        file.unlink(missing_ok=True)
