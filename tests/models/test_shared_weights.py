"""Arms of a comparison begin from the same weights wherever they have the same layers, so that only the factor differs.

The networks are made as jobs make them.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch

from benchbox.config import JobConfig
from benchbox.worker.network import initial_network

KINDS = ("none", "cam", "sam", "am", "se", "cbam")
MASKS = ("none", "global", "heatmap", "multi-resolution")
STATES = ("ones", "learned")
KERNELS = ("7x7", "3x3+3x3", "3x3//3x3")
GATES: list[dict[str, Any]] = [
    {"sam_kernel": kernel, "sam_width": width, "sam_gate": gate}
    for kernel in KERNELS
    for width, gate in ((0, "positions"), (6, "positions"), (6, "channels"))
]
# by backbone: what all arms have, then what each has of its own; the first arm is the plain network
FAMILIES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "hrnet": (
        {"name": "hrnet", "shrink": 0.125, "blocks": 1, "modules": [1, 1, 1]},
        [
            *({"attention": kind, "attend": {"stages": [1, 2, 3]}} for kind in KINDS),
            *({"attention": "am", "attend": attend} for attend in ({"sub_networks": [1]}, {"places": [[2, 3]]})),
            *({"attention": "sam", "attend": {"stages": [1]}} | gate for gate in GATES),
        ],
    ),
    "resnet": (
        {"name": "resnet", "shrink": 0.0625},
        [
            *({"attention": kind} for kind in KINDS),
            *({"head": "bilinear", "attention": kind, "final_kernel": size} for kind in KINDS for size in (1, 3)),
            {"head": "deconv", "attention": "am", "attend": {"blocks": [2]}},
            {"head": "bilinear", "attention": "am", "reduction": 4},
            *({"head": "bilinear", "attention": "am"} | gate for gate in GATES),
        ],
    ),
    "hourglass": (
        {"name": "hourglass", "shrink": 0.0625, "stacks": 2},
        [
            *({"attention": kind, "attend": {"stacks": [1, 2]}} for kind in KINDS),
            {"attention": "am", "attend": {"stacks": [2]}},
            *({"name": "acnn", "mask": mask, "masks": masks} for mask in ("soft", "binary") for masks in STATES),
            {"name": "acnn", "mask_offset": 0.0, "masked_identity": False, "masked_heatmaps": True},
        ],
    ),
    "mrn": (
        {"name": "mrn", "shrink": 0.03125},
        [
            *({"attention": scheme, "masks": masks} for scheme in MASKS for masks in STATES),
            {"attention": "global", "mask_width": 16, "auxiliary": 0.5, "slope": 0.01},
        ],
    ),
}
# their defaults
INITIAL = {"hrnet": "normal", "resnet": "normal", "hourglass": "he", "mrn": "he"}
HEADS = {"resnet": ("deconv_layers.", "upsampling.", "final_layer.")}
"""Layers that arms of a backbone have not in common."""

State = dict[str, torch.Tensor]


def states(family: str, scheme: str, seed: int = 4, count: int | None = None) -> list[State]:
    shared, arms = FAMILIES[family]
    made = []
    for arm in arms[:count]:
        model = shared | {"initial": scheme} | arm
        config = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": model, "seed": seed})
        made.append(initial_network(config, torch.device("cpu")).state_dict())
    return made


def digest(state: State, names: list[str]) -> str:
    total = hashlib.sha256()
    for name in names:
        total.update(name.encode())
        total.update(state[name].contiguous().numpy().tobytes())
    return total.hexdigest()


@pytest.fixture(scope="module", params=[*INITIAL.items(), ("resnet", "he")], ids=str)
def made(request: pytest.FixtureRequest) -> tuple[str, list[State]]:
    family, scheme = request.param
    return family, states(family, scheme)


def test_tensors_of_one_name_are_one_tensor(made: tuple[str, list[State]]) -> None:
    seen: State = {}
    shapes: dict[str, set[torch.Size]] = {}
    for name, tensor in (entry for state in made[1] for entry in state.items()):
        shapes.setdefault(name, set()).add(tensor.shape)
        assert torch.equal(tensor, seen.setdefault(f"{name} {tensor.shape}", tensor)), name
    several = [name for name, found in shapes.items() if len(found) > 1]
    assert all(name.startswith(("attention.", *HEADS.get(made[0], ()))) for name in several)


def test_all_that_the_plain_network_has_is_in_every_arm(made: tuple[str, list[State]]) -> None:
    plain, *others = made[1]
    names = [name for name in plain if not name.startswith(HEADS.get(made[0], ()) or "-")]
    assert len(names) >= 0.9 * len(plain)
    assert len({digest(state, names) for state in (plain, *others)}) == 1
    for state in others:
        order = [name for name in state if name in set(names)]
        assert order == names
        new = [name for name in state if name not in plain]
        assert all(name.startswith(("attention.", "mask_layers.", *HEADS.get(made[0], ()))) for name in new)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_seed_gives_other_weights(family: str) -> None:
    (one,), (other,) = states(family, "he", 0, 1), states(family, "he", 1, 1)
    weights = [name for name, tensor in one.items() if tensor.ndim > 1]
    assert len(weights) > 20
    assert not any(torch.equal(one[name], other[name]) for name in weights)


@pytest.mark.parametrize("gate", [("positions", 6), ("channels", 6)])
def test_kernels_of_spatial_attention_share_the_layers_before_and_behind_them(gate: tuple[str, int]) -> None:
    """Arms that differ in the kernel alone have the convolutions to and from its channels in common."""
    model = FAMILIES["resnet"][0] | {"attention": "sam", "attend": {"blocks": [1]}, "initial": "he"}
    found = []
    for kernel in KERNELS:
        options = model | {"sam_kernel": kernel, "sam_gate": gate[0], "sam_width": gate[1]}
        config = JobConfig.model_validate({"dataset": {"name": "synthetic"}, "model": options})
        state = initial_network(config, torch.device("cpu")).state_dict()
        found.append({n: t for n, t in state.items() if n.startswith("attention") and t.shape[2:] == (1, 1)})
    assert [list(ends) for ends in found] == [list(found[0])] * 3
    assert len(found[0]) == 2
    for name, tensor in found[0].items():
        assert all(torch.equal(ends[name], tensor) for ends in found)
