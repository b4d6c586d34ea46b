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
from benchbox.engine.batch_norm import Synchronised
from benchbox.engine.coordinates import coordinate_loss
from benchbox.engine.distributed import ALONE, World
from benchbox.engine.loss import LOSSES, supervised
from benchbox.engine.normalise import normalised
from benchbox.engine.optim import learn

Batch = tuple[np.ndarray, np.ndarray, np.ndarray] | tuple[np.ndarray, np.ndarray, np.ndarray, int]


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
    world: World = ALONE,
    sync_batch_norm: bool = False,
) -> Iterator[Step]:
    """Train a model on one epoch's batches, yielding after every step; it may be left at any step.

    Args:
        model: in training mode it returns heatmaps (B, K, h, w) or a tuple of them, whose losses are added; or
            coordinates (B, K, 2), or the tuple of these and auxiliary heatmaps (B, S, M, h, w).
        batches: images (B, H, W, 3) uint8, targets (B, K, h, w) or (B, K, 2) and weights (B, K, 1) float32; for several
            processes each one's share of these, and the number of samples in all shares together.
        rate: learning rate. parts: of a batch whose gradients are added before the step. precision: fp32, or bf16 for
            autocast over float32 weights. loss: a key of `LOSSES`, or "coordinates".
        auxiliary, sigma: of `coordinate_loss`; for coordinates only. activity: factor of `Activity`.
        world: the processes that train together; all take the same steps, those of the whole mini-batches.
        sync_batch_norm: whether batch norm sees the samples of all processes; of no effect in one.
    Raises: NonFiniteLoss, before the step that it would have spoilt.
    """
    judge = _judge(loss, auxiliary=auxiliary, sigma=sigma)
    learn(model)
    for group in optimizer.param_groups:
        group["lr"] = rate
    watched = Activity(model) if activity > 0 else None
    together = Synchronised(model, world) if sync_batch_norm and world.size > 1 else None
    try:
        began = perf_counter()
        for batch in batches:
            loaded = perf_counter()
            value = 0.0
            optimizer.zero_grad(set_to_none=True)
            whole, copies, fewest = _shared(batch, world)  # as many parts for all, whose batch norms may meet
            if together:
                together.here = copies > 1
            for part in split(batch, min(parts, max(1, fewest // 2))):
                lost = judge(*_answered(model, part, device, precision))
                if watched:
                    lost = lost + activity * watched.take()
                lost = lost * (len(part[0]) / (whole * copies))
                lost.backward()  # type: ignore[no-untyped-call]
                value += lost.item()
            value = world.sum(value)
            if not np.isfinite(value):
                raise NonFiniteLoss(f"the loss is {value}")
            world.sum_gradients(model)
            optimizer.step()
            yield Step(value, whole, loaded - began, perf_counter() - began)
            began = perf_counter()
    finally:
        for exchanged in (watched, together):
            if exchanged:
                exchanged.close()


def _shared(batch: Batch, world: World) -> tuple[int, int, int]:
    """Return the samples of the whole mini-batch, how many processes have each, and the fewest that one has."""
    here = len(batch[0])
    whole = batch[3] if len(batch) > 3 else here
    return (whole, world.size, here) if here == whole else (whole, 1, whole // world.size)


def _answered(
    model: nn.Module, part: tuple[np.ndarray, np.ndarray, np.ndarray], device: torch.device, precision: str
) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return what a network says of some samples, their targets and weights."""
    image = normalised(part[0], device)
    target, weight = (torch.from_numpy(values).to(device) for values in part[1:])
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        output = model(image)
    outputs = output if isinstance(output, tuple) else (output,)
    return [one.to(torch.promote_types(one.dtype, torch.float32)) for one in outputs], target, weight


def split(batch: Batch, parts: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield a batch in parts as equal as they can be, none of a single sample unless the batch is one."""
    samples = len(batch[0])
    bounds = np.linspace(0, samples, min(parts, max(1, samples // 2)) + 1).round().astype(int)
    for start, end in pairwise(bounds.tolist()):
        images, targets, weights = (values[start:end] for values in batch[:3])
        yield images, targets, weights


def _judge(
    loss: str, *, auxiliary: float, sigma: float
) -> Callable[[Sequence[torch.Tensor], torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the loss of all that a network returns in training mode."""
    if loss == "coordinates":
        return partial(coordinate_loss, auxiliary=auxiliary, sigma=sigma)
    return partial(supervised, criterion=LOSSES[loss])
