"""The training loop, whole and in one place: no hooks, no trainer; a caller steps through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter

import numpy as np
import torch
from torch import nn

from benchbox.engine.activity import Activity
from benchbox.engine.coordinates import coordinate_loss
from benchbox.engine.loss import LOSSES, supervised
from benchbox.engine.normalise import normalised
from benchbox.engine.optim import learn

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
    parts: int = 1,
    precision: str = "fp32",
    loss: str = "mse",
    auxiliary: float = 0.0,
    sigma: float = 1.0,
    activity: float = 0.0,
) -> Iterator[Step]:
    """Train a model on one epoch's batches, yielding after every step; it may be left at any step.

    Args:
        model: in training mode it returns heatmaps (B, K, h, w) or a tuple of them, whose losses are added; or
            coordinates (B, K, 2), or the tuple of these and auxiliary heatmaps (B, S, M, h, w).
        batches: images (B, H, W, 3) uint8, targets (B, K, h, w) or (B, K, 2) and weights (B, K, 1) float32.
        rate: learning rate. parts: of a batch whose gradients are added before the step. precision: fp32, or bf16 for
            autocast over float32 weights.
        loss: a key of `LOSSES`, or "coordinates".
        auxiliary, sigma: of `coordinate_loss`; for coordinates only.
        activity: factor of `Activity`.
    Raises: NonFiniteLoss, before the step that it would have spoilt.
    """
    judge = _judge(loss, auxiliary=auxiliary, sigma=sigma)
    learn(model)
    for group in optimizer.param_groups:
        group["lr"] = rate
    watched = Activity(model) if activity > 0 else None
    try:
        began = perf_counter()
        for batch in batches:
            loaded = perf_counter()
            value = 0.0
            optimizer.zero_grad(set_to_none=True)
            for images, targets, weights in split(batch, parts):
                image = normalised(images, device)
                target, weight = (torch.from_numpy(part).to(device) for part in (targets, weights))
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
                    output = model(image)
                outputs = [part.float() for part in (output if isinstance(output, tuple) else (output,))]
                lost = judge(outputs, target, weight)
                if watched:
                    lost = lost + activity * watched.take()
                lost = lost * (len(images) / len(batch[0]))
                lost.backward()
                value += lost.item()
            if not np.isfinite(value):
                raise NonFiniteLoss(f"the loss is {value}")
            optimizer.step()
            yield Step(value, len(batch[0]), loaded - began, perf_counter() - began)
            began = perf_counter()
    finally:
        if watched:
            watched.close()


def split(batch: Batch, parts: int) -> Iterator[Batch]:
    """Yield a batch in parts as equal as they can be, none of a single sample unless the batch is one."""
    samples = len(batch[0])
    bounds = np.linspace(0, samples, min(parts, max(1, samples // 2)) + 1).round().astype(int)
    for start, end in pairwise(bounds.tolist()):
        images, targets, weights = (values[start:end] for values in batch)
        yield images, targets, weights


def _judge(
    loss: str, *, auxiliary: float, sigma: float
) -> Callable[[Sequence[torch.Tensor], torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss of all that a network returns in training mode."""
    if loss == "coordinates":
        return partial(coordinate_loss, auxiliary=auxiliary, sigma=sigma)
    return partial(supervised, criterion=LOSSES[loss])
