"""What an engineer's own attention module is told when it is not what a network needs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchbox.attention import ATTENTION
from benchbox.config import JobConfig
from benchbox.errors import InvalidInput
from benchbox.options.attention import USED
from benchbox.worker import looks
from benchbox.worker.network import network

WITH_SE = {"name": "hrnet", "width": 8, "shrink": 0.25, "blocks": 1, "modules": [1, 1, 1], "attention": "se"}


class Narrow(nn.Module):
    """Puts out one column, which broadcasting would spread again."""

    def __init__(self, channels: int, **_: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=3, keepdim=True)


class Greedy(nn.Module):
    """Takes no other module's keywords."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()


def counted() -> nn.Module:
    model = {**WITH_SE, "attend": {"stages": [1]}}
    config = JobConfig.model_validate({"dataset": {"name": "synthetic", "train": 8, "test": 8}, "model": model})
    with torch.device("meta"):
        return network(config)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Narrow, "keeps its map's shape"),
        (Greedy, "by **_, reduction, sam_kernel"),
        (None, "has no line in ATTENTION of benchbox/attention/__init__.py"),
    ],
)
def test_a_module_that_does_not_fit_is_one_line(made: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted()
    if made is None:
        monkeypatch.delitem(ATTENTION, "se")
    else:
        monkeypatch.setitem(ATTENTION, "se", made)
    with pytest.raises(InvalidInput) as problem:
        counted()
    assert str(problem.value).startswith('attention "se": ')
    assert said in str(problem.value)


def test_gates_that_are_no_dict_are_one_line() -> None:
    class Bare(nn.Module):
        def gates(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(InvalidInput, match=r"Bare.gates: gives a Tensor; a dict of weights by name is drawn"):
        looks._gates(Bare(), (torch.zeros(1),), None)


def test_every_key_counts_for_a_module_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two arms that differ in it would be one job."""
    options = JobConfig.model_validate(
        {
            "dataset": {"name": "synthetic", "train": 8, "test": 8},
            "model": {**WITH_SE, "attend": {"stages": [1]}, "reduction": 4},
        }
    ).model
    assert options.idle() & options.module().keys() == {"sam_kernel", "sam_width", "sam_gate"}
    monkeypatch.delitem(USED, "se")
    assert not options.idle() & options.module().keys()
