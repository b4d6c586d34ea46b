"""ACNN against its equations, computed in NumPy from what its layers saw, and against the plain hourglass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchbox.engine.cost import count
from benchbox.models.acnn import ACNN, Mask, acnn, check_input
from benchbox.models.hourglass import hourglass
from benchbox.models.initial import initialise
from tests.models.test_hourglass import image, settle
from tests.models.test_hourglass import tiny as tiny_hourglass

VARIANTS = [
    {"mask": mask, "masked_identity": identity, "masked_heatmaps": heatmaps}
    for mask in ("soft", "binary")
    for identity in (True, False)
    for heatmaps in (False, True)
]


def meta(**options: Any) -> ACNN:
    with torch.device("meta"):
        return acnn(**{"joints": 16, **options})


def tiny(**options: Any) -> ACNN:
    """Return a small network whose masks are neither open nor closed."""
    torch.manual_seed(0)
    model = acnn(**{"joints": 3, "stacks": 3, "shrink": 0.03125, "mask_offset": 0.25, **options})
    for layer in model.mask_layers.values():
        layer.logit.weight.data *= 3
    settle(model)
    return model


def watch(model: ACNN) -> list[dict[str, np.ndarray]]:
    """Return, filled by the next pass, each stack's input X, feature F, heatmaps H and its two ways back."""
    seen: list[dict[str, np.ndarray]] = [{} for _ in model.stacks]
    for log, stack in zip(seen, model.stacks.values(), strict=True):
        stack.register_forward_pre_hook(lambda m, inputs, log=log: log.update(X=inputs[0].detach().numpy()))
        stack.heatmap.register_forward_hook(
            lambda m, inputs, output, log=log: log.update(F=inputs[0].detach().numpy(), H=output.detach().numpy())
        )
        for layer, key in (("feature_back", "f"), ("heatmap_back", "h")):
            if hasattr(stack, layer):
                getattr(stack, layer).register_forward_hook(
                    lambda m, inputs, output, log=log, key=key: log.update({key: output.detach().numpy()})
                )
    return seen


def mask_by_hand(layer: Mask, feature: np.ndarray, kind: str) -> np.ndarray:
    weight, bias = layer.logit.weight.detach().numpy()[0, :, 0, 0], layer.logit.bias.detach().numpy()[0]
    soft = 1 / (1 + np.exp(-(np.einsum("c,bchw->bhw", weight, feature) + bias + 0.25)))[:, None]
    return np.where(soft > 0.5, 1.0, 0.0) if kind == "binary" else soft


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_masks_select_as_the_equations_say(variant: dict[str, Any], training: bool) -> None:
    model = tiny(**variant).double().train(training)
    seen = watch(model)
    output = model(image().double())
    masks = [
        mask_by_hand(model.mask_layers[str(number)], log["F"], variant["mask"])
        for number, log in enumerate(seen[:-1], start=1)
    ]
    predictions = [seen[0]["H"]]
    for mask, (before, log) in zip(masks, pairwise(seen), strict=True):
        assert mask.shape == (2, 1, 16, 32)
        assert 0.1 < mask.mean() < 0.9
        assert mask.std() > 0.05
        if variant["masked_identity"]:
            expected = (before["X"] + before["f"] + before["h"]) * mask
        else:
            expected = before["X"] + (before["f"] + before["h"]) * mask
        np.testing.assert_allclose(log["X"], expected, rtol=1e-9, atol=1e-9)
        heatmap = log["H"] * mask if variant["masked_heatmaps"] else log["H"]
        predictions.append(heatmap + predictions[-1] * (1 - mask))
    outputs = output if training else [output]
    assert isinstance(output, tuple if training else Tensor)
    for ours, expected in zip(outputs, predictions if training else predictions[-1:], strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_with_masks_of_ones_it_is_the_hourglass_to_the_bit(variant: dict[str, Any], training: bool) -> None:
    masked = tiny(masks="ones", **variant).train(training)
    plain = tiny_hourglass(stacks=3).train(training)
    loaded = masked.load_state_dict(plain.state_dict(), strict=False)
    assert set(loaded.missing_keys) == set(masked.mask_parameters())
    assert not loaded.unexpected_keys
    ours, theirs = (model(image()) for model in (masked, plain))
    for a, b in zip(ours, theirs, strict=True) if training else [(ours, theirs)]:
        assert torch.equal(a, b)
        assert b.std() > 0
    for outputs in (ours, theirs):
        sum(part.square().sum() for part in (outputs if training else [outputs])).backward()
    for name, parameter in plain.named_parameters():
        twin = masked.get_parameter(name)
        assert (twin.grad is None) == (parameter.grad is None), name
        assert parameter.grad is None or torch.equal(twin.grad, parameter.grad), name
    assert all(parameter.grad is None for parameter in masked.mask_parameters().values())
    assert all(torch.equal(masked.get_buffer(name), buffer) for name, buffer in plain.named_buffers())


def test_masks_can_be_learned_after_they_were_ones() -> None:
    learned, changed = tiny().eval(), tiny(masks="ones").eval()
    changed.load_state_dict(learned.state_dict())
    with torch.no_grad():
        before = changed(image())
        changed.masks = "learned"
        assert torch.equal(changed(image()), learned(image()))
        assert not torch.equal(before, learned(image()))


def test_a_fully_open_mask_changes_nothing_and_a_closed_one_keeps_the_first_prediction() -> None:
    model = tiny(mask="binary", masked_heatmaps=True).eval()
    seen = watch(model)
    with torch.no_grad():
        for layer in model.mask_layers.values():
            layer.offset = 1000.0
        opened = model(image())
        model.masks = "ones"
        assert torch.equal(opened, model(image()))
        model.masks = "learned"
        for layer in model.mask_layers.values():
            layer.offset = -1000.0
        assert np.array_equal(model(image()).numpy(), seen[0]["H"])


@pytest.mark.parametrize("binary", [False, True])
def test_a_mask_has_the_gradient_of_its_sigmoid(binary: bool) -> None:
    torch.manual_seed(0)
    layer = Mask(5, binary=binary, offset=0.5).double()
    feature = torch.randn(2, 5, 4, 6, dtype=torch.float64, requires_grad=True)
    onward = torch.randn(2, 1, 4, 6, dtype=torch.float64)
    mask = layer(feature)
    (mask * onward).sum().backward()
    weight = layer.logit.weight.detach().numpy()[0, :, 0, 0]
    x = feature.detach().numpy()
    soft = 1 / (1 + np.exp(-(np.einsum("c,bchw->bhw", weight, x) + layer.logit.bias.item() + 0.5)))
    slope = onward.numpy()[:, 0] * soft * (1 - soft)
    np.testing.assert_allclose(layer.logit.bias.grad.numpy(), [slope.sum()], rtol=1e-9)
    np.testing.assert_allclose(
        layer.logit.weight.grad.numpy()[0, :, 0, 0], np.einsum("bhw,bchw->c", slope, x), rtol=1e-9
    )
    np.testing.assert_allclose(feature.grad.numpy(), slope[:, None] * weight[:, None, None], rtol=1e-9)
    values = mask.detach().numpy()[:, 0]
    if binary:
        assert set(values.flatten()) == {0.0, 1.0}
        assert np.array_equal(values, np.where(soft > 0.5, 1.0, 0.0))
    else:
        np.testing.assert_allclose(values, soft, rtol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_gradients_reach_every_parameter(variant: dict[str, Any], training: bool) -> None:
    model = tiny(**variant).train(training)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # or the biases of convolutions would rightly have no gradient
    outputs = model(image())
    sum(part.square().sum() for part in (outputs if training else [outputs])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_costs() -> None:
    """The paper's base network with 256 weights and a bias for each of three masks."""
    model, plain = meta(), hourglass(joints=16, stacks=4)
    cost, base = count(model, 256, 256), count(plain, 256, 256)
    assert cost.parameters == 12_858_304 + 3 * 257
    assert cost.macs == base.macs + 3 * 256 * 64 * 64
    assert count(meta(masks="ones"), 256, 256).macs == base.macs


def test_the_mask_parameters_are_what_the_hourglass_has_not() -> None:
    model, plain = meta(), hourglass(joints=16, stacks=4)
    names = {name for name, _ in model.named_parameters()}
    task_b = model.mask_parameters()
    assert set(task_b) == names - {name for name, _ in plain.named_parameters()}
    assert sum(p.numel() for p in task_b.values()) == 3 * 257
    assert all(model.get_parameter(name) is parameter for name, parameter in task_b.items())


@pytest.mark.parametrize("scheme", ["normal", "he"])
def test_it_starts_as_the_hourglass_with_open_masks(scheme: str) -> None:
    model, plain = acnn(joints=3, shrink=0.25), hourglass(joints=3, stacks=4, shrink=0.25)
    for network in (model, plain):
        initialise(network, 5, scheme=scheme)
    state = model.state_dict()
    assert list(state)[: len(plain.state_dict())] == list(plain.state_dict())
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain.state_dict().items())
    with torch.no_grad():
        masks = [layer(torch.rand(1, 64, 4, 4)) for layer in model.mask_layers.values()]
    assert torch.cat(masks) == pytest.approx(1 / (1 + np.exp(-4)), abs=0.001)


@pytest.mark.parametrize(("height", "width"), [(384, 288), (64, 96), (0, 64)])
def test_input_sides_must_be_divisible_by_64(height: int, width: int) -> None:
    refusal = f"acnn needs sides divisible by 64; got {height}x{width}"
    with pytest.raises(ValueError, match=refusal):
        check_input(height, width)
    with pytest.raises(ValueError, match=refusal):
        meta()(torch.empty(1, 3, height, width, device="meta"))


@pytest.mark.parametrize("options", [{"joints": 0}, {"stacks": 1}, {"shrink": 0.0}])
def test_impossible_sizes_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="acnn needs joints of at least 1, stacks of at least 2"):
        tiny(**options)


def test_unknown_masks_are_refused() -> None:
    with pytest.raises(ValueError, match='acnn has no mask "hard"; known: soft, binary'):
        tiny(mask="hard")
    with pytest.raises(ValueError, match='acnn has no masks "zeros"; known: learned, ones'):
        tiny(masks="zeros")


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_traced_network_is_the_network(variant: dict[str, Any]) -> None:
    model = tiny(**variant).eval()
    traced = torch.fx.symbolic_trace(model)
    with torch.no_grad():
        for x in (image(), image(1, 128, 64)):
            assert torch.equal(traced(x), model(x))
    with pytest.raises(ValueError, match="acnn needs sides divisible by 64; got 64x96"):
        traced(image(width=96))


def test_channels_last_gives_the_same_heatmaps() -> None:
    model, x = tiny().double().eval(), image().double()
    with torch.no_grad():
        plain = model(x)
        last = model.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, rtol=1e-9, atol=1e-9)
