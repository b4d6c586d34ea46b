"""Initial weights, seeded by (seed, module name).

Two networks that share a layer of one name and shape start it from the same tensors, whatever else either of them has.
The rule is frozen: a job's id stands for its numbers.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import nn

SCHEMES = ("normal", "he", "ones")
HEADS = {  # layers that make what a network is judged by, or a mask, by the last part of their names
    "final_layer",  # as the released networks call the layer that makes the heatmaps
    "heatmap",
    "logit",
}


def initialise(model: nn.Module, seed: int, *, scheme: str = "normal") -> None:
    """Set all weights of a network in place, whatever device they are on.

    Convolution and linear weights are drawn, their biases are 0; batch norm has weight 1, bias 0 and fresh statistics.

    Args:
        model: the network; its module names (`named_modules`) are part of the seeds.
        seed: the job's seed.
        scheme: "normal" draws from N(0, 0.001^2); "he" from N(0, 2 / fan_out), fan_out = output channels times kernel
            positions, but the layers called as in `HEADS` as "normal" does; "ones" draws nothing: every weight is 1.

    Raises:
        ValueError: for an unknown scheme.
        TypeError: for a module that has parameters of its own and is none of the above.

    Source: "normal" is what the released HRNet and SimpleBaseline code starts from; "he" is He et al., ICCV 2015;
        "ones" is mrn-attention, 3.4: "The network weights are all initialized with tensors of all ones". All channels
        of a layer then have the same gradients and stay one channel for ever.
    Differs: "he" leaves the heads small; drawn like the rest they start the loss some hundred times too high, and masks
    at 0 or 1.
    """
    if scheme not in SCHEMES:
        raise ValueError(f'no initial weights "{scheme}"; known: {", ".join(SCHEMES)}')
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.modules.conv._ConvNd | nn.Linear):
                if scheme == "ones":
                    module.weight.fill_(1.0)
                else:
                    small = scheme == "normal" or name.rpartition(".")[2] in HEADS
                    std = 0.001 if small else _he_std(module)
                    module.weight.copy_(_normal(tuple(module.weight.shape), std, _module_seed(seed, name)))
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.reset_parameters()
            elif next(module.parameters(recurse=False), None) is not None:
                raise TypeError(f"no rule for the initial weights of {name or 'the model'}: {type(module).__name__}")


def _module_seed(seed: int, name: str) -> int:
    """Return the first 8 bytes, big-endian, of sha256("<seed>/<name>")."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")


def _he_std(module: nn.modules.conv._ConvNd | nn.Linear) -> float:
    """Return sqrt(2 / fan_out) of a layer."""
    if isinstance(module, nn.Linear):
        return math.sqrt(2.0 / module.out_features)
    return math.sqrt(2.0 / (module.out_channels * math.prod(module.kernel_size)))


def _normal(shape: tuple[int, ...], std: float, seed: int) -> torch.Tensor:
    """Return float32 draws on the CPU from N(0, std^2)."""
    generator = torch.Generator().manual_seed(seed)
    # float64, because torch draws float32 by another routine on each kind of processor
    draws = torch.empty(shape, dtype=torch.float64, device="cpu").normal_(generator=generator)
    return (draws * std).to(torch.float32)
