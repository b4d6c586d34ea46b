"""Costs against the numbers measured on the released code and printed in the papers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchbox.engine.cost import count
from benchbox.models.hrnet import hrnet

# width, joints, (height, width) -> parameters, multiply-adds in G, the papers' GFLOPs (HRNet, CVPR 2019, Tables 1 to 3)
COSTS = [
    (32, 17, (256, 192), 28_536_113, "7.645", "7.12"),
    (32, 17, (384, 288), 28_536_113, "17.201", "16.02"),
    (32, 16, (256, 256), 28_536_080, "10.193", "9.49"),
    (48, 17, (256, 192), 63_595_745, "15.692", "14.61"),
    (48, 17, (384, 288), 63_595_745, "35.307", "32.88"),
    (48, 16, (256, 256), 63_595_696, "20.922", "19.49"),
]


@pytest.mark.parametrize(("width", "joints", "size", "parameters", "macs", "gflops"), COSTS)
def test_hrnet_costs_what_the_papers_say(
    width: int, joints: int, size: tuple[int, int], parameters: int, macs: str, gflops: str
) -> None:
    with torch.device("meta"):
        model = hrnet(joints=joints, width=width)
    cost = count(model, *size)
    assert cost.parameters == parameters
    assert f"{cost.macs / 1e9:.3f}" == macs
    assert f"{cost.field_gflops:.2f}" == gflops


class Small(nn.Module):
    """One of each kind of layer that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, 2, 1)
        self.up = nn.ConvTranspose2d(5, 4, 4, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.linear = nn.Linear(4, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.norm(self.up(self.conv(x))).mean((2, 3)))


def test_each_layer_by_hand() -> None:
    cost = count(Small(), 8, 12)
    assert cost.parameters == (135 + 5) + 320 + 8 + (28 + 7)
    # the transposed convolution multiplies at its 4 x 6 input positions, and the field counts its 8 x 12 outputs
    assert cost.macs == 135 * 24 + 320 * 24 + 28
    assert cost.field_gflops == (135 * 24 + 320 * 96 + 28) / 1024**3


def test_the_model_is_left_as_it_is() -> None:
    model = Small().train()
    model.norm.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    count(model, 8, 8)
    assert [m.training for m in model.modules()] == [True, True, True, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model.conv._forward_hooks
