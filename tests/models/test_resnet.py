"""SimpleBaseline and efficient-sam's network against released weights, published counts and torch's own up-sampling."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.engine.cost import count
from benchbox.models import MODELS
from benchbox.models.bilinear_resnet import Upsample
from tests.models.reference import fill, noise

GOLDEN = Path(__file__).parent.parent / "parity" / "golden"
BLOCKS = (1, 2, 3, 4)
# depth, joints, input, parameters, multiply-adds in G, the field's GFLOPs: the official networks, counted
COSTS = [
    (50, 17, (256, 192), 33_999_697, 5.426, 8.99),
    (50, 17, (384, 288), 33_999_697, 12.209, 20.23),
    (50, 16, (256, 256), 33_999_440, 7.234, 11.99),
    (101, 17, (256, 192), 52_991_825, 9.063, 12.38),
    (101, 17, (384, 288), 52_991_825, 20.391, 27.85),
    (101, 16, (256, 256), 52_991_568, 12.083, 16.50),
    (152, 17, (256, 192), 68_635_473, 12.699, 15.76),
    (152, 17, (384, 288), 68_635_473, 28.573, 35.47),
    (152, 16, (256, 256), 68_635_216, 16.931, 21.02),
]
# efficient-sam: kernel, blocks -> parameters of ResNet-50 and ResNet-101, by the text's module
LITERAL = [
    ("7x7", BLOCKS, 30_112_777, 49_104_905),
    ("3x3+3x3", BLOCKS, 30_112_657, 49_104_785),
    ("3x3//3x3", BLOCKS, 30_112_657, 49_104_785),
    ("7x7", (1, 2, 3), 29_586_263, 48_578_391),
    ("3x3+3x3", (1, 2, 3), 29_586_173, 48_578_301),
    ("7x7", (1,), 29_420_691, 48_412_819),
    ("3x3+3x3", (1,), 29_420_661, 48_412_789),
]
# final kernel, SAM kernel -> counts with a SAM of 64 channels; the reported millions are efficient-sam's
MATCHED = [
    (3, "7x7", 31_196_741, "31.2", 50_188_869, "50.2"),
    (3, "3x3+3x3", 30_689_093, "30.7", 49_681_221, "49.7"),
    (3, "3x3//3x3", 30_689_093, "30.7", 49_681_221, "49.7"),
    (1, "7x7", 31_161_925, "31.2", 50_154_053, "50.2"),
    (1, "3x3+3x3", 30_654_277, "30.7", 49_646_405, "49.6"),
]


def meta(name: str, **options: Any) -> nn.Module:
    with torch.device("meta"):
        return MODELS[name](**{"joints": 17, **options})


def tiny(name: str, **options: Any) -> nn.Module:
    return MODELS[name](**{"joints": 4, "shrink": 0.0625, **options})


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("depth", [50, 152])
def test_the_state_dict_is_the_released_one(depth: int) -> None:
    released = json.loads((GOLDEN / f"simplebaseline_r{depth}_coco17.json").read_text())
    state = meta("simple-baseline", depth=depth).state_dict()
    ours = [[name, list(value.shape), str(value.dtype).removeprefix("torch.")] for name, value in state.items()]
    assert ours == released["ordered_keys"]


def test_resnet_101_has_as_many_keys_and_buffers_as_the_released_one() -> None:
    model = meta("simple-baseline", depth=101)
    assert len(model.state_dict()) == 644
    assert sum(buffer.numel() for buffer in model.buffers()) == 106_987


def test_outputs_equal_the_reference() -> None:
    every = json.loads((GOLDEN / "model_outputs.json").read_text())
    golden = next(one for one in every if one["model"] == "simplebaseline_r50_coco17")
    model = MODELS["simple-baseline"](joints=17).double().eval()
    fill(model)
    with torch.no_grad():
        y = model(torch.from_numpy(noise(999999, 3 * 64 * 64)).reshape(1, 3, 64, 64))
    assert list(y.shape) == golden["output_shape"]
    tolerance, flat = 1e-9 * golden["absmax"], y.flatten().numpy()
    np.testing.assert_allclose(flat[:64], golden["first64"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(flat[-8:], golden["last8"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(y.mean((0, 2, 3)).numpy(), golden["per_channel_mean"], atol=tolerance, rtol=0)
    assert y.flatten(2).argmax(2)[0].tolist() == golden["argmax_flat_per_channel"]


@pytest.mark.parametrize(("depth", "joints", "size", "parameters", "macs", "gflops"), COSTS)
def test_costs_are_the_official_networks(
    depth: int, joints: int, size: tuple[int, int], parameters: int, macs: float, gflops: float
) -> None:
    cost = count(meta("simple-baseline", depth=depth, joints=joints), *size)
    assert cost.parameters == parameters
    assert cost.macs / 1e9 == pytest.approx(macs, abs=5e-4)
    assert cost.field_gflops == pytest.approx(gflops, abs=5e-3)


@pytest.mark.parametrize(("kernel", "blocks", "r50", "r101"), LITERAL)
def test_parameters_by_the_text(kernel: str, blocks: tuple[int, ...], r50: int, r101: int) -> None:
    attention = partial(ATTENTION["am"], sam_kernel=kernel)
    assert parameters(meta("bilinear-resnet", attention=attention, places=blocks)) == r50
    assert parameters(meta("bilinear-resnet", depth=101, attention=attention, places=blocks)) == r101


@pytest.mark.parametrize(("final", "kernel", "r50", "printed_50", "r101", "printed_101"), MATCHED)
def test_parameters_that_match_the_printed_ones(
    final: int, kernel: str, r50: int, printed_50: str, r101: int, printed_101: str
) -> None:
    attention = partial(ATTENTION["am"], sam_kernel=kernel, sam_width=64)
    given = {"attention": attention, "places": BLOCKS, "final_kernel": final}
    for depth, exact, printed in ((50, r50, printed_50), (101, r101, printed_101)):
        counted = parameters(meta("bilinear-resnet", depth=depth, **given))
        assert counted == exact
        assert f"{counted / 1e6:.1f}" == printed


def test_the_bilinear_network_without_attention() -> None:
    assert parameters(meta("bilinear-resnet")) == 29_412_177
    assert parameters(meta("bilinear-resnet", depth=101)) == 48_404_305
    assert count(meta("bilinear-resnet"), 256, 192).macs / 1e9 == pytest.approx(7.188, abs=5e-4)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 6)])
def test_upsampling_is_torchs_bilinear_one(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    ours = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    small, reference = Upsample()(ours), F.interpolate(theirs, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(small, reference)
    pull = torch.randn_like(small)
    small.backward(pull)
    reference.backward(pull)
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("name", ["simple-baseline", "bilinear-resnet"])
@pytest.mark.parametrize("block", BLOCKS)
def test_attention_behind_every_block_reaches_the_output(name: str, block: int) -> None:
    torch.manual_seed(0)
    model = tiny(name, attention=ATTENTION["am"], places=[block])
    model(torch.rand(4, 3, 64, 64)).square().sum().backward()
    own = dict(model.attention.named_parameters())
    assert {part.split(".")[0] for part in own} == {str(block)}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in own.values())
    assert any(p.grad.abs().sum() > 0 for p in own.values() if p.grad is not None)


@pytest.mark.parametrize("name", ["simple-baseline", "bilinear-resnet"])
def test_attention_follows_the_released_names(name: str) -> None:
    plain = list(meta(name).state_dict())
    attended = list(meta(name, attention=ATTENTION["cbam"], places=BLOCKS).state_dict())
    assert attended[: len(plain)] == plain
    assert all(key.startswith("attention.") for key in attended[len(plain) :])


@pytest.mark.parametrize("name", ["simple-baseline", "bilinear-resnet"])
def test_what_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} has depths 50, 101, 152; got 34"):
        meta(name, depth=34)
    with pytest.raises(ValueError, match=f"{name} has no block 5"):
        meta(name, attention=ATTENTION["am"], places=[5])
    with pytest.raises(ValueError, match="no attention module"):
        meta(name, places=[1])
    with pytest.raises(ValueError, match="joints of at least 1"):
        meta(name, joints=0)
    with pytest.raises(ValueError, match="resnet needs sides divisible by 32; got 64x80"):
        tiny(name)(torch.rand(2, 3, 64, 80))
