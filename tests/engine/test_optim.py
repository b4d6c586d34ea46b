"""What learns, what is frozen, and by which rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchbox.engine.optim import OPTIMIZERS, freeze, learn, make_optimizer
from benchbox.engine.train import train_epoch
from tests.engine.test_train import batches, small

CPU = torch.device("cpu")


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_what_is_frozen_does_not_change_by_a_bit(name: str, decay: float) -> None:
    model = small()
    frozen = {"0.weight", "0.bias", "1.weight", "1.bias"}
    freeze(model, frozen)
    before = state(model)
    list(train_epoch(model, make_optimizer(model, name, weight_decay=decay), batches(), rate=1e-2, device=CPU))
    after = state(model)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"3.weight", "3.bias"}
    freeze(model, {"3.weight", "3.bias"})
    list(train_epoch(model, make_optimizer(model, name), batches(), rate=1e-2, device=CPU))
    later = state(model)
    still = {key for key in after if torch.equal(after[key], later[key])}
    assert still == {"3.weight", "3.bias"}


def test_a_frozen_batch_norm_uses_its_statistics() -> None:
    model = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2))
    freeze(model, {"0.weight", "0.bias"})
    learn(model)
    assert [module.training for module in (model, model[0], model[1])] == [True, False, True]
    freeze(model, set())
    learn(model)
    assert model[0].training


def test_weight_decay_is_the_gradient_of_half_the_squared_weights() -> None:
    model = small()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = make_optimizer(model, "rmsprop", weight_decay=0.5)
    for group in optimizer.param_groups:
        group["lr"] = 1e-3
    optimizer.step()
    for name, parameter in model.named_parameters():
        gradient = 0.5 * before[name] if parameter.ndim > 1 else torch.zeros_like(parameter)
        # RMSProp by hand: the mean of squares begins at 0 and decays by 0.99
        expected = before[name] - 1e-3 * gradient / (np.sqrt(0.01) * gradient.abs() + 1e-8)
        torch.testing.assert_close(parameter.detach(), expected)
