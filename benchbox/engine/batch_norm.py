"""Batch norm over the samples of several processes, for as long as a network is trained by them."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from benchbox.engine.distributed import World


class Synchronised:
    """Let the batch norms of a network see the samples of all processes, each as often as it is there.

    Modules, names and buffers stay what they are: only their forward pass is exchanged, until `close`. Frozen ones use
    their statistics as before. torch.nn.SyncBatchNorm does not run on CPUs and counts no unequal shares there.

    here: while true, every process has all samples of the mini-batch itself, and nobody asks.
    """

    def __init__(self, model: nn.Module, world: World) -> None:
        self.here = False
        self._world = world
        self._norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in self._norms:
            norm.forward = partial(self._forward, norm)  # type: ignore[method-assign]

    def _forward(self, norm: nn.BatchNorm2d, values: torch.Tensor) -> torch.Tensor:
        if self.here or not norm.training or norm.running_mean is None or norm.running_var is None:
            return nn.BatchNorm2d.forward(norm, values)
        given = (values, norm.weight, norm.bias, norm.eps, self._world)
        made: tuple[torch.Tensor, ...] = _Normal.apply(*given)  # type: ignore[no-untyped-call]
        normal, mean, variance, count = made
        with torch.no_grad():
            momentum = norm.momentum or 0.0
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(variance * (count / (count - 1)), momentum)
        return normal

    def close(self) -> None:
        """Let every batch norm see its own process's samples again."""
        for norm in self._norms:
            norm.__dict__.pop("forward", None)


class _Normal(torch.autograd.Function):
    """Batch norm of (B, C, H, W) with the statistics of all processes, which are given back beside it."""

    @staticmethod
    def forward(
        context: Any, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, world: World
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        variance, mean = torch.var_mean(_precise(values), dim=(0, 2, 3), correction=0)
        number = mean.new_full((1,), values.numel() // values.shape[1])
        stacked = world.stacked(torch.cat([mean, variance, number]))
        means, variances, numbers = torch.split(stacked, [len(mean)] * 2 + [1], 1)
        shares = numbers / numbers.sum()
        mean = (shares * means).sum(0)
        variance = (shares * (variances + (means - mean).square())).sum(0)
        inverse = (variance + eps).rsqrt()
        context.save_for_backward(values, weight, mean, inverse, numbers.sum())
        context.world = world
        normal = torch.batch_norm(values, weight, bias, mean, variance, False, 0.0, eps, False)
        context.mark_non_differentiable(mean, variance)
        return normal, mean, variance, numbers.sum()

    @staticmethod
    def backward(context: Any, slope: torch.Tensor, *others: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weight, mean, inverse, count = context.saved_tensors
        kind, slope = values.dtype, _precise(slope)
        centred = _precise(values) - mean[:, None, None]
        of_bias = slope.sum((0, 2, 3))
        of_weight = (slope * centred).sum((0, 2, 3)) * inverse
        whole_bias, whole_weight = context.world.stacked(torch.cat([of_bias, of_weight])).sum(0).chunk(2)
        down = centred.mul_((inverse * whole_weight / count)[:, None, None])
        back = (slope - (whole_bias / count)[:, None, None] - down) * (inverse * weight)[:, None, None]
        return back.to(kind), of_weight, of_bias, None, None


def _precise(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
