"""The stacked hourglass against counts of the Torch7 layers and against plain functions of torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchbox.attention import ATTENTION
from benchbox.engine.cost import count
from benchbox.models.hourglass import Hourglass, check_input, hourglass
from benchbox.models.initial import initialise

# stacks, joints, input: parameters, multiply-adds and "GFLOPs" as pose papers print them, of the Torch7 layer list
COSTS = {
    (1, 16, 256, 256): (3_426_448, "5.150", "4.80"),
    (2, 16, 256, 256): (6_570_400, "8.335", "7.76"),
    (4, 16, 256, 256): (12_858_304, "14.703", "13.69"),
    (8, 16, 256, 256): (25_434_112, "27.440", "25.56"),
    (8, 17, 256, 192): (25_437_960, "20.592", "19.18"),
}


def meta(**options: Any) -> Hourglass:
    with torch.device("meta"):
        return hourglass(**{"joints": 16, **options})


def settle(model: nn.Module) -> None:
    """Vary the weights of batch norm and set its statistics to those of `image()`, so that no ReLU is dead."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            with torch.no_grad():
                module.weight.add_(torch.rand(module.weight.shape, generator=generator) - 0.5)
                module.bias.add_(torch.rand(module.bias.shape, generator=generator) - 0.5)
    with torch.no_grad():
        model.train()(image())


def tiny(**options: Any) -> Hourglass:
    torch.manual_seed(0)
    model = hourglass(**{"joints": 3, "stacks": 2, "shrink": 0.03125, **options})
    settle(model)
    return model


def image(batch: int = 2, height: int = 64, width: int = 128) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("row", COSTS)
def test_costs(row: tuple[int, int, int, int]) -> None:
    stacks, joints, height, width = row
    parameters, macs, gflops = COSTS[row]
    cost = count(meta(stacks=stacks, joints=joints), height, width)
    assert (cost.parameters, f"{cost.macs / 1e9:.3f}", f"{cost.field_gflops:.2f}") == (parameters, macs, gflops)


def test_parts_cost_what_they_should() -> None:
    model = meta()
    sizes = [sum(p.numel() for p in part.parameters()) for part in (model.stacks["1"].residual, model.stem)]
    assert sizes == [214_528, 352_640]


def conv(state: Mapping[str, Tensor], name: str, x: Tensor, **options: int) -> Tensor:
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)


def norm(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, var, weight, bias = (
        state[f"{name}.{k}"].reshape(1, -1, 1, 1) for k in ("running_mean", "running_var", "weight", "bias")
    )
    return torch.clamp((x - mean) / torch.sqrt(var + 1e-5) * weight + bias, min=0)


def residual(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    y = conv(state, f"{name}.conv1", norm(state, f"{name}.bn1", x))
    y = conv(state, f"{name}.conv2", norm(state, f"{name}.bn2", y), padding=1)
    y = conv(state, f"{name}.conv3", norm(state, f"{name}.bn3", y))
    return y + (conv(state, f"{name}.skip", x) if f"{name}.skip.weight" in state else x)


def pool(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return x.reshape(b, c, h // 2, 2, w // 2, 2).amax((3, 5))


def levels(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    sides = []
    for _ in range(4):
        sides.append(residual(state, f"{name}.side", x))
        x = residual(state, f"{name}.down", pool(x))
        name += ".inner"
    x = residual(state, name, x)
    for side in reversed(sides):
        name = name.removesuffix(".inner")
        x = residual(state, f"{name}.up", x)
        x = side + x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return x


def stem(state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    x = norm(state, "stem.bn", conv(state, "stem.conv", x, stride=2, padding=3))
    x = pool(residual(state, "stem.residual1", x))
    return residual(state, "stem.residual3", residual(state, "stem.residual2", x))


def feature_of(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    y = residual(state, f"{name}.residual", levels(state, f"{name}.hourglass", x))
    return norm(state, f"{name}.bn", conv(state, f"{name}.conv", y))


def reference(state: Mapping[str, Tensor], x: Tensor, stacks: int) -> list[Tensor]:
    """Return every stack's heatmaps, by the layer list, in evaluation mode."""
    x, heatmaps = stem(state, x), []
    for number in range(1, stacks + 1):
        name = f"stacks.{number}"
        feature = feature_of(state, name, x)
        heatmaps.append(conv(state, f"{name}.heatmap", feature))
        if number < stacks:
            x = x + conv(state, f"{name}.feature_back", feature) + conv(state, f"{name}.heatmap_back", heatmaps[-1])
    return heatmaps


def test_outputs_follow_the_layer_list() -> None:
    model = tiny(stacks=3).double().eval()
    heatmaps: list[Tensor] = []
    for stack in model.stacks.values():
        stack.heatmap.register_forward_hook(lambda module, inputs, output: heatmaps.append(output))
    x = image().double()
    with torch.no_grad():
        last = model(x)
    expected = reference(model.state_dict(), x, 3)
    assert last.shape == (2, 3, 16, 32)
    assert torch.equal(last, heatmaps[-1])
    for ours, theirs in zip(heatmaps, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
        assert ours.std() > 0.01


def test_training_gives_every_stacks_heatmaps_in_order() -> None:
    model = tiny(stacks=3).train()
    heatmaps = []
    for number in (3, 1, 2):
        model.stacks[str(number)].heatmap.register_forward_hook(
            lambda module, inputs, output, number=number: heatmaps.append((number, output))
        )
    outputs = model(image())
    assert isinstance(outputs, tuple)
    assert [number for number, _ in heatmaps] == [1, 2, 3]
    assert all(ours is hooked for ours, (_, hooked) in zip(outputs, heatmaps, strict=True))


def test_supervision_reaches_every_parameter_and_no_later_stack() -> None:
    model = tiny(stacks=3).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # or the biases of convolutions would rightly have no gradient
    first, second, third = model(image())
    second.square().sum().backward(retain_graph=True)
    assert all(p.grad is None for p in model.stacks["3"].parameters())
    assert all(p.grad is None for n, p in model.stacks["2"].named_parameters() if "_back" in n)
    model.zero_grad()
    (first.square().sum() + second.square().sum() + third.square().sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_fewer_stacks_are_the_beginning_of_more() -> None:
    models = [hourglass(joints=3, stacks=stacks, shrink=0.03125) for stacks in (1, 2, 4)]
    for model in models:
        initialise(model, 3, scheme="he")
    outputs = [model.train()(image()) for model in models]
    assert torch.equal(outputs[0][0], outputs[2][0])
    assert torch.equal(outputs[1][1], outputs[2][1])
    assert outputs[2][1].std() > 0


@pytest.mark.parametrize(("height", "width"), [(384, 288), (64, 96), (96, 64), (0, 64), (255, 256)])
def test_input_sides_must_be_divisible_by_64(height: int, width: int) -> None:
    refusal = f"hourglass needs sides divisible by 64; got {height}x{width}"
    with pytest.raises(ValueError, match=refusal):
        check_input(height, width)
    with pytest.raises(ValueError, match=refusal):
        meta(stacks=1)(torch.empty(1, 3, height, width, device="meta"))


@pytest.mark.parametrize("options", [{"joints": 0}, {"stacks": 0}, {"shrink": 0.0}])
def test_sizes_below_one_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hourglass needs joints and stacks of at least 1"):
        tiny(**options)


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_stack_that_does_not_exist_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"hourglass has no stack {number} to attend to; it has 1 to 2"):
        tiny(attention=ATTENTION["am"], attended=[1, number])


def test_attended_stacks_need_attention() -> None:
    with pytest.raises(ValueError, match="no attention module"):
        tiny(attended=[1])


def test_attention_sits_between_the_residual_and_its_convolution() -> None:
    made: list[int] = []

    class Double(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            made.append(channels)

        def forward(self, x: Tensor) -> Tensor:
            return 2 * x

    model = tiny(stacks=3, attention=Double, attended=[3, 1, 3]).eval()
    assert made == [8, 8]
    seen: dict[str, Tensor] = {}
    for number, stack in model.stacks.items():
        stack.residual.register_forward_hook(
            lambda module, inputs, output, number=number: seen.update({f"{number} before": output})
        )
        stack.conv.register_forward_hook(
            lambda module, inputs, output, number=number: seen.update({f"{number} after": inputs[0]})
        )
    with torch.no_grad():
        model(image())
    for number, factor in (("1", 2), ("2", 1), ("3", 2)):
        assert torch.equal(seen[f"{number} after"], factor * seen[f"{number} before"])


def test_attention_comes_last_and_leaves_other_names_and_weights_alone() -> None:
    plain, attended = tiny(stacks=3), tiny(stacks=3, attention=ATTENTION["am"], attended=[2, 3])
    for model in (plain, attended):
        initialise(model, 7, scheme="he")
    before, after = plain.state_dict(), attended.state_dict()
    assert list(after)[: len(before)] == list(before)
    assert {".".join(name.split(".")[:2]) for name in list(after)[len(before) :]} == {"attention.2", "attention.3"}
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_attention_reaches_the_output() -> None:
    model = tiny(attention=partial(ATTENTION["am"], reduction=2), attended=[1, 2]).eval()
    model(image()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.attention.parameters())


def test_none_as_attention_gives_the_plain_network() -> None:
    plain, none = tiny().eval(), tiny(attention=ATTENTION["none"], attended=[1, 2]).eval()
    with torch.no_grad():
        assert torch.equal(plain(image()), none(image()))


def test_the_traced_network_is_the_network() -> None:
    model = tiny(attention=ATTENTION["am"], attended=[1]).eval()
    traced = torch.fx.symbolic_trace(model)
    with torch.no_grad():
        for x in (image(), image(1, 128, 64)):
            assert torch.equal(traced(x), model(x))
    with pytest.raises(ValueError, match="hourglass needs sides divisible by 64; got 64x96"):
        traced(image(width=96))


def test_channels_last_gives_the_same_heatmaps() -> None:
    model, x = tiny().double().eval(), image().double()
    with torch.no_grad():
        plain = model(x)
        last = model.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, rtol=1e-9, atol=1e-9)


def test_shrink_scales_every_channel_count() -> None:
    full = dict(meta(stacks=2).named_parameters())
    for name, parameter in meta(stacks=2, shrink=0.25).named_parameters():
        fixed = {3, 16}  # the image's channels and the joints
        for dim, (a, b) in enumerate(zip(parameter.shape, full[name].shape, strict=True)):
            assert a == b if dim > 1 or b in fixed else a == b // 4, name
    assert {m.num_features for m in meta(shrink=0.001).modules() if isinstance(m, nn.BatchNorm2d)} == {4}


def test_every_stack_starts_with_small_heatmaps() -> None:
    model = hourglass(joints=16, stacks=2, shrink=0.25)
    initialise(model, 0, scheme="he")
    for stack in model.stacks.values():
        assert stack.heatmap.weight.std().item() == pytest.approx(0.001, rel=0.1)
        assert stack.conv.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.1)
