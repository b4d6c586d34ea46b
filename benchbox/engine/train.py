"""The training loop, whole and in one place: no hooks, no trainer; a caller steps through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchbox.engine.loss import LOSSES
from benchbox.engine.normalise import normalised

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


class NonFiniteLoss(ArithmeticError):
    """The loss became NaN or infinite."""


@dataclass(frozen=True)
class Step:
    """One optimizer step that was taken: its loss, number of samples, and seconds, of which some went into data."""

    loss: float
    samples: int
    data_seconds: float
    seconds: float


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Batch],
    *,
    rate: float,
    device: torch.device,
    precision: str = "fp32",
    loss: str = "mse",
) -> Iterator[Step]:
    """Train a model on one epoch's batches, yielding after every step; it may be left at any step.

    Args:
        batches: images (B, H, W, 3) uint8, targets (B, K, h, w) and weights (B, K, 1) float32.
        rate: learning rate. precision: fp32, or bf16 for autocast over float32 weights. loss: a key of `LOSSES`.
    Raises: NonFiniteLoss.
    """
    criterion = LOSSES[loss]
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    began = perf_counter()
    for images, targets, weights in batches:
        loaded = perf_counter()
        image = normalised(images, device)
        target, weight = (torch.from_numpy(part).to(device) for part in (targets, weights))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            output = model(image)
        lost = criterion(output.float(), target, weight)
        optimizer.zero_grad(set_to_none=True)
        lost.backward()
        value = lost.item()
        if not np.isfinite(value):
            raise NonFiniteLoss(f"the loss is {value}")
        optimizer.step()
        yield Step(value, len(images), loaded - began, perf_counter() - began)
        began = perf_counter()


def step_drops(lr: float, drops: Sequence[int], factor: float) -> Callable[[int], float]:
    """Return the rate of an epoch: `lr`, times `factor` for every drop at or before that many finished epochs."""
    return lambda epoch: lr * factor ** sum(epoch >= drop for drop in drops)
