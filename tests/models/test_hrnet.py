"""HRNet against the released weights' names, shapes and outputs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchbox.attention import ATTENTION
from benchbox.models.hrnet import PLACES, HRNet, check_input, hrnet
from tests.models.reference import fill, noise

GOLDEN = Path(__file__).parent.parent / "parity" / "golden"
W32, W48 = 28_536_113, 63_595_745
WIDE: dict[str, Any] = {"sam_width": 216, "sam_gate": "channels"}

# places, W32's totals without biases and with, in millions with the wide spatial gate alone, and what the paper reports
SUB_1 = [(1, 1), (2, 1), (3, 1)]
SUB_2 = [(1, 2), (2, 2), (3, 2)]
SUB_3 = [(2, 3), (3, 3)]
STAGE_1 = [(1, 1), (1, 2)]
STAGE_2 = [(2, 1), (2, 2), (2, 3)]
TABLE_I = {
    "sub-network 1": (SUB_1, 28_536_551, 28_536_659, "31.10", 31.1),
    "sub-networks 1+2": (SUB_1 + SUB_2, 28_538_141, 28_538_459, "33.71", 33.8),
    "sub-networks 1+2+3": (SUB_1 + SUB_2 + SUB_3, 28_542_273, 28_542_867, "35.50", 35.5),
    "all": (list(PLACES), 28_550_483, 28_551_351, "36.45", 36.4),
    "stage 1": (STAGE_1, 28_536_789, 28_536_895, "30.26", 30.2),
    "stages 1+2": (STAGE_1 + STAGE_2, 28_539_531, 28_539_881, "32.88", 32.9),
    "Sub-1 + Stage-1": (SUB_1 + STAGE_1, 28_537_081, 28_537_259, "31.97", 31.9),
}


def meta(**options: Any) -> HRNet:
    with torch.device("meta"):
        return hrnet(**{"joints": 17, **options})


def tiny(**options: Any) -> HRNet:
    return hrnet(**{"joints": 4, "shrink": 0.125, "blocks": 1, "modules": (1, 1, 1), **options})


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(("file", "joints"), [("hrnet_w32_coco17", 17), ("hrnet_w32_mpii16", 16)])
def test_the_state_dict_is_the_released_one(file: str, joints: int) -> None:
    released = json.loads((GOLDEN / f"{file}.json").read_text())["ordered_keys"]
    ours = [
        [k, list(v.shape), str(v.dtype).removeprefix("torch.")] for k, v in meta(joints=joints).state_dict().items()
    ]
    assert ours == released


def test_w48_has_as_many_keys_and_buffers_as_the_released_one() -> None:
    model = meta(width=48)
    assert len(model.state_dict()) == 1754
    assert sum(b.numel() for b in model.buffers()) == 79_876


def test_outputs_equal_the_reference() -> None:
    golden = next(
        g for g in json.loads((GOLDEN / "model_outputs.json").read_text()) if g["model"] == "hrnet_w32_coco17"
    )
    model = hrnet(joints=17).double().eval()
    fill(model)
    with torch.no_grad():
        y = model(torch.from_numpy(noise(999999, 3 * 64 * 64)).reshape(1, 3, 64, 64))
    assert list(y.shape) == golden["output_shape"]
    tolerance = 1e-9 * golden["absmax"]
    flat = y.flatten().numpy()
    np.testing.assert_allclose(flat[:64], golden["first64"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(flat[-8:], golden["last8"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(y.mean((0, 2, 3)).numpy(), golden["per_channel_mean"], atol=tolerance, rtol=0)
    np.testing.assert_allclose(
        [flat.mean(), flat.std(), np.abs(flat).max()],
        [golden["mean"], golden["std"], golden["absmax"]],
        atol=tolerance,
        rtol=0,
    )
    assert y.flatten(2).argmax(2)[0].tolist() == golden["argmax_flat_per_channel"]


def test_attention_follows_the_released_names() -> None:
    plain = list(meta().state_dict())
    attended = list(meta(attention=ATTENTION["am"], places=PLACES).state_dict())
    assert attended[: len(plain)] == plain
    assert {".".join(k.split(".")[:3]) for k in attended[len(plain) :]} == {f"attention.{s}.{b}" for s, b in PLACES}


@pytest.mark.parametrize("row", TABLE_I)
def test_parameters_with_attention(row: str) -> None:
    """efficient-hrnet Table I reports 28.5 to 36.4 M; the module it describes gives these."""
    places, without, with_biases, wide, reported = TABLE_I[row]
    am, sam = ATTENTION["am"], ATTENTION["sam"]
    assert parameters(meta(attention=partial(am, bias=False), places=places)) == without
    assert parameters(meta(attention=am, places=places)) == with_biases
    assert (
        f"{parameters(meta(attention=partial(sam, sam_width=216, sam_gate='channels'), places=places)) / 1e6:.2f}"
        == wide
    )
    assert parameters(meta(attention=partial(am, **WIDE), places=places)) / 1e6 == pytest.approx(reported, abs=0.1)


def test_parameters_of_w48_with_attention() -> None:
    places, am = SUB_1 + STAGE_1, ATTENTION["am"]
    assert parameters(meta(width=48)) == W48
    assert parameters(meta(width=48, attention=partial(am, bias=False), places=places)) == 63_597_833
    assert parameters(meta(width=48, attention=am, places=places)) == 63_598_096
    wide = parameters(meta(width=48, attention=partial(ATTENTION["sam"], **WIDE), places=places))
    assert f"{wide / 1e6:.2f}" == "67.06"


def test_a_place_given_twice_is_one_place() -> None:
    assert parameters(meta(attention=ATTENTION["am"], places=SUB_1 + STAGE_1)) == 28_537_259


class Recorder(nn.Module):
    """Passes a map through and keeps its channel count and size."""

    def __init__(self, channels: int, log: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.channels, self.log = channels, log

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.log.append((self.channels, *x.shape[1:]))
        return x


def test_attention_sees_every_branch_after_each_transition() -> None:
    log: list[tuple[int, ...]] = []
    tiny(attention=lambda channels: Recorder(channels, log), places=PLACES)(torch.rand(1, 3, 64, 96))
    branches = [(4, 4, 16, 24), (8, 8, 8, 12), (16, 16, 4, 6), (32, 32, 2, 3)]
    assert log == branches[:2] + branches[:3] + branches[:4]


@pytest.mark.parametrize("place", PLACES)
def test_attention_at_every_place_reaches_the_output(place: tuple[int, int]) -> None:
    torch.manual_seed(0)
    model = tiny(attention=ATTENTION["am"], places=[place])
    model(torch.rand(2, 3, 64, 64)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.attention.parameters())


def test_none_as_attention_gives_the_plain_network() -> None:
    torch.manual_seed(0)
    plain = tiny()
    none = tiny(attention=ATTENTION["none"], places=PLACES)
    none.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 64, 64)
    assert torch.equal(none(x), plain(x))


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (1, 3), (2, 4), (4, 1)])
def test_a_place_that_does_not_exist_is_refused(place: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no place") as refusal:
        tiny(attention=ATTENTION["am"], places=[(1, 1), place])
    assert str(place) in str(refusal.value)
    assert "(1,1) (1,2) (2,1) (2,2) (2,3) (3,1) (3,2) (3,3) (3,4)" in str(refusal.value)


def test_places_need_attention() -> None:
    with pytest.raises(ValueError, match="no attention module"):
        tiny(places=[(1, 1)])


@pytest.mark.parametrize("options", [{"blocks": 0}, {"modules": (1, 0, 1)}, {"shrink": 0.0}, {"joints": 0}])
def test_sizes_below_one_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        tiny(**options)


@pytest.mark.parametrize(("height", "width"), [(64, 48), (48, 64), (0, 32), (255, 192)])
def test_input_sides_must_be_divisible_by_32(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"hrnet needs sides divisible by 32; got {height}x{width}"):
        check_input(height, width)
    with pytest.raises(ValueError, match="divisible by 32"):
        tiny()(torch.rand(1, 3, height, width))


def test_shrink_scales_every_channel_count() -> None:
    model = meta(shrink=0.25)
    full = dict(meta().named_parameters())
    for name, parameter in model.named_parameters():
        fixed = {3, 17}  # the image's channels and the joints
        for dim, (a, b) in enumerate(zip(parameter.shape, full[name].shape, strict=True)):
            assert a == b if dim > 1 or b in fixed else a == b // 4
    assert {m.num_features for m in meta(shrink=0.001).modules() if isinstance(m, nn.BatchNorm2d)} == {4, 16}
    assert meta(shrink=0.3).conv1.out_channels == 19  # 19.2
    assert meta(width=30, shrink=0.25).final_layer.in_channels == 8  # 7.5, half up


def test_blocks_and_modules_set_the_depth() -> None:
    model = meta(blocks=2, modules=(1, 2, 3))
    assert len(model.layer1) == 2
    assert [len(stage) for stage in (model.stage2, model.stage3, model.stage4)] == [1, 2, 3]
    assert all(len(b) == 2 for s in (model.stage2, model.stage3, model.stage4) for m in s for b in m.branches)
