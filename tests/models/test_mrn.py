"""MRN against the paper's sizes, its equations and its own rules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchbox.engine.cost import count
from benchbox.models.initial import initialise
from benchbox.models.mrn import ATTENTION, MRN, MultiResolution, check_input, mrn

SCHEMES = [name for name in ATTENTION if name != "none"]


def tiny(scheme: str = "he", **options: Any) -> MRN:
    model = mrn(**{"joints": 4, "input": (64, 128), "shrink": 0.03125, **options})
    initialise(model, 0, scheme=scheme)
    return model


def lively(**options: Any) -> MRN:
    """Return a network in evaluation mode whose heatmaps, untrained all but 0.5, differ from place to place."""
    model = tiny(**options)
    for name, module in model.named_modules():
        if name.endswith("final_layer"):
            initialise(module, 1, scheme="normal")
            module.weight.data *= 300
    model(images(4, 9))
    return model.eval()


def images(batch: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 3, 64, 128, generator=torch.Generator().manual_seed(seed))


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_size_of_a_module() -> None:
    """Twelve 3x3 convolutions of 256 channels with batch norm, two 1x1, and the layer that makes the heatmap."""
    with torch.device("meta"):
        module = MultiResolution(256, heatmaps=1, slope=0.3)
    blocks = [m for m in module.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [parameters(m) + 512 for m in blocks] == [9 * 256 * 256 + 256 + 2 * 256] * 12
    assert parameters(module) - parameters(module.final_layer) == 12 * 590_592 + 2 * 65_792 == 7_218_688
    assert parameters(module.final_layer) == 257


@pytest.mark.parametrize(("stacks", "expected"), [(1, 7_789_665), (2, 15_009_122), (4, 29_448_036)])
def test_stacks_add_a_module_and_a_merge(stacks: int, expected: int) -> None:
    with torch.device("meta"):
        model = mrn(joints=16, stacks=stacks)
    refinement = (9 * 32 + 96) + (9 * 32 * 64 + 192) + (9 * 64 * 128 + 384) + (128 * 8 * 8 + 1) * 32
    assert parameters(model.refinement) == refinement
    assert parameters(model) == expected
    front = (147 * 64 + 192) + (64 * 128 + 128) + (9 * 128 * 128 + 384) + (128 * 256 + 256) + (64 * 256 + 256)
    assert expected == front + stacks * (7_218_688 + 257) + (stacks - 1) * 512 + refinement


def test_the_resolutions_are_those_of_the_paper() -> None:
    """3.1: 256 to 64 in the front, 256 features at every resolution down to 4x4, two 1x1 there; 3.4: 3x3 elsewhere."""
    seen: list[tuple[str, tuple[int, ...]]] = []
    with torch.device("meta"):
        model = mrn(joints=16, stacks=1)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda m, x, y, name=name: seen.append((name, tuple(y.shape[1:]))))
    assert model(torch.empty(2, 3, 256, 256, device="meta")).shape == (2, 16, 2)
    of_stack = [(name.removeprefix("stacks.0."), shape) for name, shape in seen if name.startswith("stacks")]
    down = [(f"before.{i}.conv", (256, 64 >> i, 64 >> i)) for i in range(4)]
    lowest = [(f"lowest.{i}", (256, 4, 4)) for i in range(2)]
    up = [(f"{part}.{i}.conv", (256, 64 >> i, 64 >> i)) for i in (3, 2, 1, 0) for part in ("after", "skip")]
    assert of_stack == [*down, *lowest, *up, ("final_layer", (1, 64, 64))]
    assert [shape for name, shape in seen if name.startswith("refinement")] == [
        (32, 32, 32),
        (64, 16, 16),
        (128, 8, 8),
    ]


def test_batch_norm_follows_every_convolution_but_1x1() -> None:
    model = tiny(attention="multi-resolution")
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == sum(m.kernel_size != (1, 1) for m in convs)


def test_a_module_with_masks_is_equations_5_to_7() -> None:
    model = lively(attention="multi-resolution")
    stack, masks = model.stacks[0], model.attention["resolution"][0]
    torch.manual_seed(3)
    x = torch.randn(1, 8, 32, 48)

    def level(at: int, x: torch.Tensor) -> torch.Tensor:
        if at == 4:
            top = x
            for conv in stack.lowest:
                top = F.conv2d(top, conv.weight, conv.bias)
                top = torch.maximum(top, 0.3 * top)
            return top * masks[4].mask(x) + top
        bottom = stack.before[at](x)
        inner = level(at + 1, F.max_pool2d(bottom, 2))
        top = stack.after[at](inner.repeat_interleave(2, 2).repeat_interleave(2, 3))
        return top * masks[at].mask(bottom) + top + stack.skip[at](bottom)

    features, heatmap = stack(x, masks)
    expected = level(0, x)
    torch.testing.assert_close(features, expected)
    weight, bias = stack.final_layer.weight, stack.final_layer.bias
    torch.testing.assert_close(heatmap, F.conv2d(expected, weight, bias).sigmoid())
    assert not torch.allclose(features, stack(x, ())[0])


@pytest.mark.parametrize("merge", ["heatmap", "features"])
@pytest.mark.parametrize("masked", [False, True])
def test_what_goes_from_stack_to_stack(merge: str, masked: bool) -> None:
    model = lively(merge=merge, attention="heatmap" if masked else "none", stacks=3)
    image = images()
    x = model.front(image)
    for place, stack in enumerate(model.stacks):
        features, y = stack(x, ())
        if masked:
            y = y + y * model.attention["heatmap"][place].mask(y)
        if place < 2:
            into = model.merges[place]
            wide = F.conv2d(y, into.back.weight, into.back.bias)
            x = wide if merge == "heatmap" else x + into.features(features) + wide
    torch.testing.assert_close(model(image), model.refinement(y))
    assert sum(name.startswith("merges") for name, _ in model.named_parameters()) == (8 if merge == "features" else 4)


def test_the_global_mask_comes_before_everything() -> None:
    plain, masked = lively(), lively(attention="global")
    masked.load_state_dict(plain.state_dict(), strict=False)
    image = images()
    torch.testing.assert_close(masked(image), plain(image * masked.attention["image"].mask(image)))
    assert not torch.allclose(masked(image), plain(image))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("initial", ["normal", "he"])
def test_schemes_share_the_tensors_of_equal_names(scheme: str, initial: str) -> None:
    plain, attended = tiny(initial), tiny(initial, attention=scheme)
    state = attended.state_dict()
    assert list(state)[: len(plain.state_dict())] == list(plain.state_dict())
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain.state_dict().items())
    rest = list(state)[len(plain.state_dict()) :]
    assert rest
    assert all(name.startswith("attention.") for name in rest)
    assert {id(p) for p in attended.mask_parameters().values()} == {
        id(p) for name, p in attended.named_parameters() if name.startswith("attention.")
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_masks_of_ones_leave_the_plain_network(scheme: str) -> None:
    """Task A: values, gradients and statistics are those of the network without attention, bit for bit."""
    plain, held, image = tiny(), tiny(attention=scheme, masks="ones"), images()
    for model in (plain, held):
        model(image).square().sum().backward()
    mine = dict(held.named_parameters())
    for name, parameter in plain.named_parameters():
        assert torch.equal(parameter.grad, mine[name].grad), name
    assert all(p.grad is None for p in held.mask_parameters().values())
    state = held.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain.state_dict().items())
    for model in (plain, held):
        model.eval()
    assert torch.equal(plain(image), held(image))
    held.masks = "learned"
    assert not torch.equal(plain(image), held(image))


@pytest.mark.parametrize("scheme", ATTENTION)
@pytest.mark.parametrize("heatmaps", [1, 4])
@pytest.mark.parametrize("merge", ["heatmap", "features"])
def test_gradients_reach_every_parameter(scheme: str, heatmaps: int, merge: str) -> None:
    model = tiny(attention=scheme, heatmaps=heatmaps, merge=merge, auxiliary=True)
    coordinates, maps = model(images(3))
    assert coordinates.shape == (3, 4, 2)
    assert maps.shape == (3, 2, heatmaps, 16, 32)
    coordinates.square().sum().backward()
    # what a convolution adds to all is taken away again by its batch norm
    normed = {f"{name[:-3]}.conv.bias" for name, m in model.named_modules() if name.endswith(".bn")}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if name not in normed and not (name.startswith("attention") and name.endswith(".0.bias")):
            assert parameter.grad.abs().sum() > 0, name


def test_auxiliary_heatmaps_come_before_the_masks_and_in_training_only() -> None:
    model, image = tiny(attention="heatmap", auxiliary=True), images()
    coordinates, maps = model(image)
    seen: list[torch.Tensor] = []
    for stack in model.stacks:
        stack.register_forward_hook(lambda m, x, y: seen.append(y[1]))
    again = model(image)[1]
    assert torch.equal(maps, again)
    assert torch.equal(again, torch.stack(seen, dim=1))
    assert ((maps > 0) & (maps < 1)).all()
    assert isinstance(model.eval()(image), torch.Tensor)
    plain = tiny(attention="heatmap")
    assert torch.equal(plain(image), coordinates)


@pytest.mark.parametrize("initial", ["normal", "he"])
@pytest.mark.parametrize("scheme", ATTENTION)
def test_an_untrained_network_is_sane(initial: str, scheme: str) -> None:
    model = tiny(initial, attention=scheme, shrink=0.25)
    for mode in (True, False):
        found = model.train(mode)(images(4))
        assert found.isfinite().all()
        assert found.abs().max() < 0.5


def test_weights_of_ones_never_part_again() -> None:
    """mrn-attention 3.4 read literally: every layer trains, as one channel that it has many times."""
    model = tiny("ones").double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(5):
        optimizer.zero_grad()
        (model(images(4, step).double()) - torch.rand(4, 4, 2, dtype=torch.double)).square().sum().backward()
        optimizer.step()
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            assert (layer.weight - 1).abs().max() > 1e-4, name
            assert (layer.weight - layer.weight[:1]).abs().max() < 1e-9, name
    assert (model.refinement.final_layer.weight - model.refinement.final_layer.weight[:1]).abs().max() > 1e-6


@pytest.mark.parametrize("scheme", ATTENTION)
def test_it_can_be_traced_and_used_channels_last(scheme: str) -> None:
    model, image = lively(attention=scheme), images()
    expected = model(image)
    traced = torch.fx.symbolic_trace(model)
    assert torch.equal(traced(image), expected)
    last = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(last(image.contiguous(memory_format=torch.channels_last)), expected)


def test_the_cost_can_be_counted() -> None:
    with torch.device("meta"):
        cost = count(mrn(joints=16), 256, 256)
    assert cost.parameters == 15_009_122
    assert cost.macs == pytest.approx(22.779e9, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": (100, 128)}, "mrn needs sides divisible by 64; got 100x128"),
        ({"input": (384, 288)}, "mrn needs sides divisible by 64; got 384x288"),
        ({"joints": 0}, "at least 1"),
        ({"stacks": 0}, "at least 1"),
        ({"heatmaps": 0}, "at least 1"),
        ({"shrink": 0.0}, "shrink above 0"),
        ({"slope": -0.1}, "slope from 0 to 1; got -0.1"),
        ({"merge": "sum"}, 'mrn has no merge "sum"; known: heatmap, features'),
        ({"attention": "am"}, 'mrn has no attention "am"'),
        ({"masks": "zeros"}, 'mrn has no masks "zeros"'),
        ({"heatmaps": 3, "auxiliary": True}, "1 or 4 auxiliary heatmaps; got 3"),
    ],
)
def test_what_cannot_be_built_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tiny(**options)


def test_other_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="mrn was built for 64x128; got 64x64"):
        tiny()(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="divisible by 64; got 64x96"):
        check_input(64, 96)


def test_shrink_scales_every_channel_count() -> None:
    with torch.device("meta"):
        full, model = (mrn(joints=16, attention="global", shrink=s) for s in (1.0, 0.25))
    for (name, a), (_, b) in zip(full.named_parameters(), model.named_parameters(), strict=True):
        for dim, (x, y) in enumerate(zip(a.shape, b.shape, strict=True)):
            fixed = dim > 1 or x in (1, 3) or (name.startswith("refinement.final_layer") and dim == 0)
            assert y == x if fixed else y == x // 4, name
