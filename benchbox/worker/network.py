"""Where a job's network comes from: names become modules, with their initial weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.config import JobConfig
from benchbox.digest import file_digest
from benchbox.engine.weights import load_weights
from benchbox.errors import EnvironmentProblem
from benchbox.models import MODELS
from benchbox.models.initial import initialise


def network(config: JobConfig) -> nn.Module:
    """Build the job's network without initial weights of its own; on the meta device when that is the default."""
    options = config.model

    def attention(channels: int) -> nn.Module:
        return ATTENTION[options.attention](channels, reduction=options.reduction, sam_width=options.sam_width)

    places = options.blocks_of_attention()
    return MODELS[options.name](
        joints=config.dataset.joints,
        width=options.width,
        shrink=options.shrink,
        blocks=options.blocks,
        modules=options.modules,
        attention=attention if places else None,
        places=places,
    )


def initial_network(config: JobConfig, device: torch.device) -> nn.Module:
    """Build the job's network with its initial weights, on a device, channels last: a third faster, also on a CPU.

    Raises: InvalidInput, EnvironmentProblem where a file of weights is missing, another one, or of another network.
    """
    model = network(config)
    weights = config.model.weights
    if weights.path:
        _check_digest(Path(weights.path), weights.digest)
        load_weights(Path(weights.path), model)
    else:
        initialise(model, config.seed, scheme=config.model.initial)
    model = model.to(device)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _check_digest(path: Path, digest: str) -> None:
    if not path.is_file():
        raise EnvironmentProblem(f"{path}: no such file of weights")
    if file_digest(path) != digest:
        raise EnvironmentProblem(f"{path}: not the weights that the job was planned with (digest {digest})")
