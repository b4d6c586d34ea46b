"""Which networks a file of weights fits: those with a name, and those whose size can be read from its shapes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from benchbox.config import JobConfig
from benchbox.engine.weights import backbone, first_misfit, read_weights, refuse_infinite
from benchbox.models.resnet import UNITS
from benchbox.networks import networks
from benchbox.options.datasets import JOINTS
from benchbox.options.models import AttentiveOptions, NetworkOptions
from benchbox.worker.network import build

HEADS = {"final_layer.weight": 1, "stacks.1.heatmap.weight": 1, "refinement.final_layer.weight": 2}
"""Filters a joint of the last layer, by the names that our networks and the released ones give it."""
USUAL_JOINTS = JOINTS["coco17"]
DEPTHS = {str(list(units)): depth for depth, units in UNITS.items()}
STEM = 64
SIZE = (256, 256)
SHOWN = ("name", "width", "depth", "stacks")
"""Keys that are written even where they have their default."""
KERNELS = ("7x7", "3x3+3x3", "3x3//3x3")

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Candidate:
    """A network that weights may be of: its name, "" for one that has none, its options and how a study writes them."""

    name: str
    spelt: dict[str, Any]
    options: NetworkOptions
    module: nn.Module


def examine(path: Path) -> dict[str, Any]:
    """Say which networks the weights in a file fit, whole or as a backbone; else the nearest and its first misfit.

    Returns: joints (None where the file has no pose network's head), entries, `fits` with a row for every network, and
        `nearest`, the network with most entries in common, None where something fits.
    Raises: EnvironmentProblem, InvalidInput as `read_weights`, and for values that are not finite.
    """
    found = read_weights(path)
    refuse_infinite(path, found)
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    joints = _joints(shapes)
    known = _candidates(shapes, joints or USUAL_JOINTS)
    whole = [one for one in known if not first_misfit(found, one.module.state_dict())]
    bodies = [] if whole else [one for one in known if _fits_backbone(found, one)]
    nearest = None
    if not whole and not bodies:
        closest = max(known, key=lambda one: _shared(found, one.module))
        misfit = first_misfit(found, closest.module.state_dict())
        nearest = {"network": closest.name, "model": closest.spelt, "misfit": misfit}
    return {
        "joints": joints,
        "entries": len(found),
        "fits": [_row(one, "weights", joints) for one in whole] + [_row(one, "pretrained", None) for one in bodies],
        "nearest": nearest,
    }


def _joints(shapes: Shapes) -> int | None:
    return next((_channels(shapes, name) // each for name, each in HEADS.items() if _channels(shapes, name)), None)


def _candidates(shapes: Shapes, joints: int) -> list[Candidate]:
    """Build the networks that weights of these shapes may be of, all with a name where the shapes are of no family."""
    sizes = {family: size for family, reader in READERS.items() if (size := reader(shapes))}
    of_family = [one for one in networks() if one.model["name"] in sizes or one.model["name"] not in READERS]
    chosen: dict[str, tuple[str, dict[str, Any], NetworkOptions, tuple[int, int]]] = {}
    for network in of_family if sizes else networks():
        first = network.listed[0]
        options: NetworkOptions = network.job(first.dataset, first.input).model
        chosen.setdefault(repr(options.canonical()), (network.name, network.model, options, first.input))
    for size in sizes.values():
        for given in _with_attention(size, shapes):
            with contextlib.suppress(ValidationError):  # a size that no network of ours has
                options = JobConfig.model_validate({"dataset": {"name": "mpii"}, "model": given}).model
                shown = {key: value for key, value in given.items() if key in SHOWN}
                spelt = shown | options.model_dump(mode="json", exclude_defaults=True)
                chosen.setdefault(repr(options.canonical()), ("", spelt, options, SIZE))
    with torch.device("meta"):
        return [
            Candidate(name, spelt, options, build(options, joints, size))
            for name, spelt, options, size in chosen.values()
        ]


def _hrnet(shapes: Shapes) -> dict[str, Any]:
    stem, first = (_channels(shapes, name) for name in ("conv1.weight", "stage2.0.branches.0.0.conv1.weight"))
    if not stem or not first:
        return {}
    modules = [_count(shapes, f"stage{stage}.") for stage in (2, 3, 4)]
    given = {"width": round(first * STEM / stem), "blocks": _count(shapes, "layer1."), "modules": modules}
    return {"name": "hrnet", **given, "shrink": stem / STEM}


def _resnet(shapes: Shapes) -> dict[str, Any]:
    units = [_count(shapes, f"layer{block}.") for block in (1, 2, 3, 4)]
    stem, depth = _channels(shapes, "conv1.weight"), DEPTHS.get(str(units))
    if not stem or not depth:
        return {}
    given = {"name": "resnet", "depth": depth, "shrink": stem / STEM}
    if not _count(shapes, "upsampling."):
        return {**given, "colour": "bgr"}
    return {**given, "head": "bilinear", "final_kernel": (shapes.get("final_layer.weight") or (0,))[-1]}


def _hourglass(shapes: Shapes) -> dict[str, Any]:
    stem = _channels(shapes, "stem.conv.weight")
    return {"name": "hourglass", "stacks": _count(shapes, "stacks."), "shrink": stem / STEM} if stem else {}


READERS: dict[str, Callable[[Shapes], dict[str, Any]]] = {"hrnet": _hrnet, "resnet": _resnet, "hourglass": _hourglass}
"""The families whose sizes can be read from shapes; each answers nothing for the shapes of another."""


def _with_attention(size: dict[str, Any], shapes: Shapes) -> Iterator[dict[str, Any]]:
    """Yield a size as it is or, where the weights hold attention, with every kind of it at the places they name."""
    places = {tuple(name.split(".")[1:3]) for name in shapes if name.startswith("attention.")}
    if not places:
        yield size
        return
    attend: dict[str, Any]
    if size["name"] == "hrnet":
        attend = {"places": sorted([int(part) for part in pair] for pair in places if "".join(pair).isdecimal())}
    else:
        numbers = sorted({int(place[0]) for place in places if place[0].isdecimal()})
        attend = {"blocks" if size["name"] == "resnet" else "stacks": numbers}
    for kind in ("cam", "se", "cbam"):
        yield {**size, "attention": kind, "attend": attend}
    for kind in ("am", "sam"):
        for kernel in KERNELS:
            yield {**size, "attention": kind, "sam_kernel": kernel, "attend": attend}


def _count(shapes: Shapes, prefix: str) -> int:
    """Count the parts that are numbered behind a prefix."""
    return len({name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)})


def _channels(shapes: Shapes, name: str) -> int:
    """Return how many filters an entry has, 0 without it."""
    return (shapes.get(name) or (0,))[0]


def _fits_backbone(found: Mapping[str, Tensor], one: Candidate) -> bool:
    used, wanted = backbone(found, one.module)
    return isinstance(one.options, AttentiveOptions) and not first_misfit(used, wanted)


def _shared(found: Mapping[str, Tensor], module: nn.Module) -> float:
    """Return the share of entries, of both together, that agree in name and shape."""
    wanted = module.state_dict()
    same = sum(name in found and found[name].shape == tensor.shape for name, tensor in wanted.items())
    return float(same / len(found.keys() | wanted.keys()))


def _row(one: Candidate, role: str, joints: int | None) -> dict[str, Any]:
    return {
        "network": one.name,
        "fits": f"model.{role}",
        "joints": joints,
        "parameters": sum(parameter.numel() for parameter in one.module.parameters()),
        "colour": one.options.colour,
        "model": one.spelt,
    }
