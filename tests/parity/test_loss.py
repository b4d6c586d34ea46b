from __future__ import annotations

import pytest
import torch

from benchbox.engine.loss import LOSSES, hardest_mse
from tests.parity.golden import cases


@pytest.mark.parametrize("case", cases("loss"))
def test_the_losses_are_the_official_ones(case):
    output, target, weight = (torch.from_numpy(case[key]) for key in ("output", "target", "target_weight"))
    found = {
        "loss_weighted": LOSSES["mse"](output, target, weight),
        "loss_unweighted": LOSSES["unweighted-mse"](output, target, weight),
        "ohkm_top3_weighted": hardest_mse(output, target, weight, hardest=3),
    }
    for name, value in found.items():
        assert value.item() == pytest.approx(float(case[name]), rel=1e-6), name


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_teaches_and_is_nothing_at_the_target(name):
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 17, 4, 3, generator=generator)
    output = torch.rand(2, 17, 4, 3, generator=generator, requires_grad=True)
    weight = torch.ones(2, 17, 1)
    weight[0, 3] = 0
    LOSSES[name](output, target, weight).backward()
    taught = output.grad.abs().amax(dim=(2, 3)) > 0
    assert taught.sum().item() == {"mse": 33, "unweighted-mse": 34, "hardest-mse": 16}[name]
    assert taught[0, 3].item() == (name == "unweighted-mse")
    assert LOSSES[name](target, target, weight).item() == 0
