"""Initial weights: seeded by name, frozen for ever."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.models.hrnet import PLACES, HRNet, hrnet
from benchbox.models.initial import initialise

# sha256 over names and float32 bytes of all parameters; never change these: a job's id stands for its numbers
FROZEN = {
    (0, "normal"): "b7443b68777fe78d9bfb271f56126ba42b83af201b48028114a576d9f96abca7",
    (1, "normal"): "af67d99b7d1203880476d69f4ade0b6c817533a570779f44f765082eb2b585d7",
    (0, "he"): "ede491b0353e4bf2ca4340521e764cb9ba89bed507f836b8cb9b6dbdd45bad63",
}


def tiny(attention: str = "none") -> HRNet:
    return hrnet(joints=4, shrink=0.125, blocks=1, modules=(1, 1, 1), attention=ATTENTION[attention], places=PLACES)


def digest(model: nn.Module) -> str:
    total = hashlib.sha256()
    for name, parameter in model.named_parameters():
        total.update(name.encode())
        total.update(parameter.detach().numpy().astype("<f4").tobytes())
    return total.hexdigest()


@pytest.mark.parametrize(("seed", "scheme"), FROZEN)
def test_initial_weights_are_frozen(seed: int, scheme: str) -> None:
    model = tiny()
    initialise(model, seed, scheme=scheme)
    assert digest(model) == FROZEN[seed, scheme]


def test_one_layer_by_hand() -> None:
    model = tiny()
    initialise(model, 3)
    seed = int.from_bytes(hashlib.sha256(b"3/stage2.0.branches.0.0.conv1").digest()[:8], "big")
    draws = torch.randn(4, 4, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert torch.equal(model.stage2[0].branches[0][0].conv1.weight, (draws * 0.001).float())


@pytest.mark.parametrize("attention", ["cam", "sam", "am"])
@pytest.mark.parametrize("scheme", ["normal", "he"])
def test_arms_share_the_weights_of_shared_layers(attention: str, scheme: str) -> None:
    plain, attended = tiny(), tiny(attention)
    for model in (plain, attended):
        initialise(model, 7, scheme=scheme)
    state = attended.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain.state_dict().items())
    assert len(state) > len(plain.state_dict())


def test_nothing_of_before_remains() -> None:
    fresh, used = tiny("am"), tiny("am")
    used(torch.rand(2, 3, 64, 64))
    with torch.no_grad():
        for parameter in used.parameters():
            parameter.add_(1.0)
    torch.manual_seed(5)
    for model in (fresh, used):
        initialise(model, 0)
    state = used.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in fresh.state_dict().items())


def test_global_random_state_is_left_alone() -> None:
    model = tiny()
    before = torch.get_rng_state()
    initialise(model, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_normal_is_the_released_scheme() -> None:
    model = tiny("am")
    initialise(model, 0)
    weights = torch.cat([m.weight.flatten() for m in model.modules() if isinstance(m, nn.Conv2d)])
    assert weights.std().item() == pytest.approx(0.001, rel=0.02)
    assert abs(weights.mean().item()) < 0.0001
    assert all((m.bias == 0).all() for m in model.modules() if isinstance(m, nn.Conv2d) and m.bias is not None)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all((m.weight == 1).all() and (m.bias == 0).all() for m in norms)


def test_he_scales_by_fan_out() -> None:
    model = nn.ModuleDict({"conv": nn.Conv2d(16, 64, 3), "linear": nn.Linear(300, 50)})
    initialise(model, 0, scheme="he")
    assert model["conv"].weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)
    assert model["linear"].weight.std().item() == pytest.approx((2 / 50) ** 0.5, rel=0.03)
    assert not model["linear"].bias.any()


def test_he_leaves_the_head_small() -> None:
    normal, he = tiny(), tiny()
    initialise(normal, 0)
    initialise(he, 0, scheme="he")
    assert torch.equal(he.final_layer.weight, normal.final_layer.weight)
    assert not torch.equal(he.conv1.weight, normal.conv1.weight)


def test_he_leaves_the_heads_of_stacks_small() -> None:
    stacks = nn.ModuleList(nn.ModuleDict({"final_layer": nn.Conv2d(64, 64, 1)}) for _ in range(2))
    initialise(stacks, 0, scheme="he")
    assert all(stack["final_layer"].weight.std().item() == pytest.approx(0.001, rel=0.1) for stack in stacks)


def test_ones_are_ones() -> None:
    model = tiny("am")
    model(torch.rand(2, 3, 64, 64))
    initialise(model, 0, scheme="ones")
    parameters = dict(model.named_parameters())
    assert all((p == (0 if name.endswith("bias") else 1)).all() for name, p in parameters.items())
    assert all((m.running_mean == 0).all() for m in model.modules() if isinstance(m, nn.BatchNorm2d))


def test_layers_of_one_shape_differ() -> None:
    model = nn.ModuleList(nn.Conv2d(3, 3, 3) for _ in range(2))
    initialise(model, 0)
    assert not torch.equal(model[0].weight, model[1].weight)


def test_what_has_no_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="normal, he, ones"):
        initialise(nn.Conv2d(1, 1, 1), 0, scheme="xavier")
    with pytest.raises(TypeError, match="PReLU"):
        initialise(nn.Sequential(nn.PReLU()), 0)
