"""Where a job's network comes from: names become modules, with their initial weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.config import JobConfig, files_of_weights
from benchbox.digest import file_digest
from benchbox.engine.weights import load_backbone, load_weights
from benchbox.errors import EnvironmentProblem
from benchbox.models import MODELS
from benchbox.models.initial import initialise
from benchbox.options.attention import AttentionOptions
from benchbox.options.models import NetworkOptions


def network(config: JobConfig) -> nn.Module:
    """Build the job's network without initial weights of its own; on the meta device when that is the default."""
    return build(config.model, config.dataset.joints, config.dataset.input)


def build(options: NetworkOptions, joints: int, size: tuple[int, int]) -> nn.Module:
    """Build a network for so many joints and inputs of `size` (height, width)."""
    given = options.arguments(joints, size)
    if isinstance(options, AttentionOptions) and options.places():
        make, settings = ATTENTION[options.attention], options.module()
        given["attention"] = lambda channels: make(channels, **settings)
    return MODELS[options.builder](**given)


def initial_network(config: JobConfig, device: torch.device) -> nn.Module:
    """Build the job's network with its initial weights, on a device, channels last: a third faster, also on a CPU.

    Raises: InvalidInput, EnvironmentProblem where a file of weights is missing, another one, or of another network.
    """
    model = network(config)
    files = {key: weights for key, weights in files_of_weights(config.model).items() if weights.path}
    for weights in files.values():
        _check_digest(Path(weights.path), weights.digest)
    if "weights" in files:
        load_weights(Path(files["weights"].path), model)
    else:
        initialise(model, config.seed, scheme=config.model.initial)
        if "pretrained" in files:
            load_backbone(Path(files["pretrained"].path), model)
    model = model.to(device)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _check_digest(path: Path, digest: str) -> None:
    if not path.is_file():
        raise EnvironmentProblem(f"{path}: no such file of weights")
    if file_digest(path) != digest:
        raise EnvironmentProblem(f"{path}: not the weights that the job was planned with (digest {digest})")
