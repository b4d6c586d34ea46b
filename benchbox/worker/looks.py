"""What a network looks at in a crop: its attention in the order of the forward pass, its heatmaps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbox.config import JobConfig
from benchbox.datasets.topdown import TopDown
from benchbox.engine.observe import Seen, observe, stage_predictions
from benchbox.errors import InvalidInput
from benchbox.models.acnn import ACNN
from benchbox.models.mrn import MRN
from benchbox.pictures.maps import Heatmaps, Panel
from benchbox.pose.affine import transform_points
from benchbox.pose.heatmap import decode
from benchbox.worker.predict import EVALUATION_BATCH, heatmaps_of

PLACES = {
    "hrnet": ("stage", "sub-network"),
    "resnet": ("block",),
    "hourglass": ("stack",),
    "acnn": ("stage",),
    "mrn": ("stack", "resolution"),
}
"""What the numbers in the names of a network's attention modules count."""


def attention_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules that give attention by name, outermost only: none where all masks are held at one."""
    if getattr(model, "masks", "learned") == "ones":
        return {}
    found: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        if hasattr(module, "gates") and not any(name.startswith(f"{outer}.") for outer in found):
            found[name] = module
    return found


def place_of(network: str, module: str) -> str:
    """Say where an attention module sits: `attention.1.2` of hrnet is "stage 1 sub-network 2"."""
    numbers = [int(number) + (network == "mrn") for number in re.findall(r"\.(\d+)", module)]
    words = [f"{word} {number}" for word, number in zip(PLACES[network], numbers, strict=False)]
    return " ".join(words) or "image"


def heatmaps(model: nn.Module, crops: TopDown, config: JobConfig, device: torch.device) -> list[Heatmaps]:
    """Return everybody's heatmaps: those that joints are decoded from; of coordinates, those of every stack."""
    images, joints = _images(crops), crops.skeleton.joints
    if isinstance(model, MRN):
        stacks = {f"stack {number}": stack for number, stack in enumerate(model.stacks, start=1)}
        seen = observe(model, images, device=device, modules=stacks, take=lambda *call: {"heatmaps": call[2][1]})
        maps = np.concatenate([one.values for one in seen], axis=1)
        each = joints if seen[0].values.shape[1] == len(joints) else ("all joints",)
        titles = [f"{one.module} {name}" for one in seen for name in each]
    else:
        maps, titles = heatmaps_of(model, crops, config, device), list(joints)
    return [Heatmaps(crop, titles, some) for crop, some in zip(_shown(images, crops), maps, strict=True)]


def panels(
    model: nn.Module, crops: TopDown, config: JobConfig, device: torch.device, points: np.ndarray, certain: np.ndarray
) -> list[tuple[np.ndarray, list[Panel]]]:
    """Return everybody's crop and panels: the crop, every attention module's weights, the prediction.

    The weights are those of the crop as it is, without its mirror image, in fp32. Of acnn every stage's prediction
    stands below its mask, as in its Fig. 6.

    Args: points (N, K, 2), in pixels of the images, and certain (N, K): what is predicted.
    """
    images = _images(crops)
    seen = observe(model, images, device=device, modules=attention_modules(model), take=_gates)
    stages = _stages(model, images, crops, config, device) if isinstance(model, ACNN) else []
    found = []
    for index, crop in enumerate(_shown(images, crops)):
        some = _columns(seen, index, config.model.name)
        if stages:
            some.append(Panel(f"stage {len(stages)}, without mask"))
            some = [
                panel._replace(points=where[index], confidences=how[index])
                for panel, (where, how) in zip(some, stages, strict=True)
            ]
        else:
            where = transform_points(points[index], crops.crop_matrix(index))
            some.append(Panel("prediction", points=where, confidences=certain[index]))
        found.append((crop, [Panel("crop"), *some]))
    return found


def _gates(module: Any, inputs: tuple[Any, ...], output: Any) -> Any:
    told = module.gates(*inputs)
    if not isinstance(told, dict):
        found = type(told).__name__
        raise InvalidInput(f"{type(module).__name__}.gates: gives a {found}; a dict of weights by name is drawn")
    return told


def _columns(seen: Sequence[Seen], index: int, network: str) -> list[Panel]:
    """Return a person's panel of every module, in the order of their calls."""
    found: dict[str, Panel] = {}
    for one in seen:
        values, place = one.values[index], place_of(network, one.module)
        panel = found.get(one.module, Panel(place))
        if one.what == "channels":
            found[one.module] = panel._replace(channels=values.ravel())
        else:
            size = f"{values.shape[1]}x{values.shape[2]}"
            title = f"{place}, {size}" if len(values) == 1 else f"{place}\nmean of {len(values)}, {size}"
            found[one.module] = panel._replace(title=title, positions=values.mean(axis=0))
    return list(found.values())


def _stages(
    model: nn.Module, images: np.ndarray, crops: TopDown, config: JobConfig, device: torch.device
) -> list[tuple[list[np.ndarray], np.ndarray]]:
    """Return what every stage predicts: points in pixels of the crops, by person, and confidences (N, K)."""
    (center, scale), found = crops.frames, []
    how: dict[str, Any] = {"sigma": crops.sigma, "coordinates": crops.coordinates, "refine": config.evaluate.decode}
    for maps in stage_predictions(model, images, device=device):
        points, confidences = decode(maps, center, scale, **how)
        places = [transform_points(some, crops.crop_matrix(index)) for index, some in enumerate(points)]
        found.append((places, confidences))
    return found


def _images(crops: TopDown) -> np.ndarray:
    return np.concatenate([batch.images for batch in crops.evaluation_batches(EVALUATION_BATCH)])


def _shown(images: np.ndarray, crops: TopDown) -> np.ndarray:
    """Return crops (N, H, W, 3) as pictures have them, in RGB."""
    return images if crops.colour == "rgb" else np.ascontiguousarray(images[..., ::-1])
