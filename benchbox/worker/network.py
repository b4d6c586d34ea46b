"""Where a job's network comes from: names become modules, with their initial weights."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchbox import records
from benchbox.attention import ATTENTION
from benchbox.config import JobConfig, files_of_weights, schedule
from benchbox.digest import file_digest
from benchbox.engine.weights import digest_of_weights, load_backbone, load_weights
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.jobdir import Attempt
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
        given["attention"] = partial(_module, options.attention, options.module())
    if options.builder not in MODELS:
        raise InvalidInput(f'network "{options.builder}": has no line in MODELS of benchbox/models/__init__.py')
    return MODELS[options.builder](**given)


def _module(name: str, settings: Mapping[str, Any], channels: int) -> nn.Module:
    """Make an attention module; on the meta device, where a network is counted, see that it keeps its map's shape.

    Raises: InvalidInput for a module that cannot be what a study names.
    """
    said = f'attention "{name}"'
    if name not in ATTENTION:
        raise InvalidInput(f"{said}: has no line in ATTENTION of benchbox/attention/__init__.py")
    make = ATTENTION[name]
    try:
        inspect.signature(make).bind(channels, **settings)
    except TypeError as problem:
        raise InvalidInput(f"{said}: {problem}; take channels and, by **_, {', '.join(settings)}") from None
    module = make(channels, **settings)
    if torch.get_default_device().type == "meta":
        given = torch.empty(2, channels, 24, 16)
        found = tuple(copy.deepcopy(module).eval()(given).shape)
        if found != tuple(given.shape):
            raise InvalidInput(f"{said}: makes {found} of a map {tuple(given.shape)}; a module keeps its map's shape")
    return module


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
    laid: torch.nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid


def result_network(result: Attempt, config: JobConfig, device: torch.device) -> nn.Module:
    """Build the network of a result with the weights that made its predictions, on a device, channels last.

    Raises: CannotJudge without weights. InvalidInput where they are damaged, or not those that the record names.
    """
    if not result.weights.exists():
        raise CannotJudge(
            f"job {result.job.id}: its result was made before weights were kept; make it anew with "
            "benchbox run STUDY.toml --stale"
        )
    model = network(config)
    load_weights(result.weights, model)
    recorded, found = records.load(result.table("runs"), "runs")["weights"].to_pylist(), digest_of_weights(model)
    if recorded != [found]:
        raise InvalidInput(
            f"{result.weights}: not the weights of the result: digest {found}, its record has {recorded[0]}"
        )
    hold_masks(model, config)
    model = model.to(device)
    laid: torch.nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid


def hold_masks(model: nn.Module, config: JobConfig) -> None:
    """Let a trained network use its masks, or hold them at one, as the last phase of its training did."""
    if config.model.learns_masks and schedule(config):
        model.masks = schedule(config)[-1].masks  # type: ignore[assignment]


def _check_digest(path: Path, digest: str) -> None:
    if not path.is_file():
        raise EnvironmentProblem(f"{path}: no such file of weights")
    if file_digest(path) != digest:
        raise EnvironmentProblem(f"{path}: not the weights that the job was planned with (digest {digest})")
