"""Activity regularisation: what the convolutions of a network put out is part of the loss."""

from __future__ import annotations

import torch
from torch import nn


class Activity:
    """Sum the squared outputs of all convolutions of a network while it is watched.

    Source: mrn-attention, 3.4 ("At every convolutional layer, kernel and activity regularization are added").
    Differs: kind and factor are not in the text; squares are summed over a sample and averaged over the batch.
    """

    def __init__(self, model: nn.Module) -> None:
        self._terms: list[torch.Tensor] = []
        convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
        self._hooks = [module.register_forward_hook(self._see) for module in convolutions]

    def _see(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        self._terms.append(output.float().square().sum() / len(output))

    def take(self) -> torch.Tensor:
        """Return the sum since the last call, with its gradient."""
        first, *others = self._terms
        self._terms.clear()
        return sum(others, first)

    def close(self) -> None:
        """Watch no longer."""
        for hook in self._hooks:
            hook.remove()
        self._terms.clear()
