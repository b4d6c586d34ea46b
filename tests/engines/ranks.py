"""The worker with its trained weights kept: `-m tests.engines.ranks FOLDER run JOB ...`, also under torchrun.

With DOUBLE set it computes in float64: in float32 the first steps of networks as small as the tests' multiply the
rounding of a sum in another order by a hundred thousand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch

from benchbox.engine import train
from benchbox.worker import __main__ as worker
from benchbox.worker import run, training
from benchbox.worker.training import Trained, Training, trained_network


def main() -> int:
    """Do what the worker does, and leave every process's weights in a folder."""
    folder = Path(sys.argv[1])

    def kept(asked: Training) -> Trained:
        trained = trained_network(asked)
        torch.save(trained.model.state_dict(), folder / f"weights-{asked.world.rank}.pt")
        return trained

    if "DOUBLE" in os.environ:
        initial, normalised = training.initial_network, train.normalised
        training.initial_network = lambda config, device: initial(config, device).double()
        train.normalised = lambda images, device: normalised(images, device).double()
    if "SHORT" in os.environ and os.environ.get("RANK") == "1":
        train.normalised = short
    run.trained_network = kept  # type: ignore[attr-defined]
    return worker.main(sys.argv[2:])


def short(*given: Any) -> torch.Tensor:
    """Refuse memory."""
    raise torch.OutOfMemoryError("CUDA out of memory")


if __name__ == "__main__":
    os.environ.setdefault("GLOO_LOG_LEVEL", "ERROR")
    sys.exit(main())
