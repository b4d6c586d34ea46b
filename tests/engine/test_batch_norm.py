"""Batch norm over several processes, here threads: the numbers of one process that has all samples."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import nn

from benchbox.engine.batch_norm import Synchronised
from benchbox.engine.distributed import World
from benchbox.engine.optim import learn


@dataclass(frozen=True)
class Threads(World):
    """A world whose processes are threads of this one."""

    table: dict[int, Any] = field(default_factory=dict)
    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def stacked(self, tensor: torch.Tensor) -> torch.Tensor:
        return torch.stack(self.gathered(tensor))

    def gathered(self, value: Any) -> list[Any]:
        self.table[self.rank] = value
        self.barrier.wait(60)
        found = [self.table[rank] for rank in range(self.size)]
        self.barrier.wait(60)
        return found


def together(work: Callable[[World], Any], size: int = 2) -> list[Any]:
    """Do something in several threads, each a world's process; return what each has."""
    table: dict[int, Any] = {}
    barrier, found = threading.Barrier(size), {}
    threads = [
        threading.Thread(target=lambda rank=rank: found.update({rank: work(Threads(rank, size, table, barrier))}))
        for rank in range(size)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return [found[rank] for rank in range(size)]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4, momentum=0.01)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


@pytest.mark.parametrize("shares", [(4, 4), (5, 3), (2, 9), (2, 3, 2)])
def test_unequal_shares_are_one_batch(shares: tuple[int, ...]) -> None:
    images = torch.randn(sum(shares), 3, 9, 8, generator=torch.Generator().manual_seed(1)) * 3 + 1
    pull = torch.randn(sum(shares), 4, 5, 4, generator=torch.Generator().manual_seed(2))
    whole, start = learn_on(network(), images, pull), network()

    def work(world: World) -> nn.Module:
        model = deepcopy(start)
        exchanged = Synchronised(model, world)
        learn_on(model, images.split(shares)[world.rank], pull.split(shares)[world.rank])
        exchanged.close()
        return model

    models = together(work, len(shares))
    for model in models:
        for (name, expected), value in zip(whole.named_buffers(), model.buffers(), strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6, msg=name)
        assert list(model.state_dict()) == list(whole.state_dict())
        assert not any("forward" in vars(module) for module in model.modules())
    for values in zip(whole.parameters(), *(model.parameters() for model in models), strict=True):
        expected, *parts = [value.grad for value in values]
        torch.testing.assert_close(sum(parts), expected, rtol=1e-4, atol=2e-4)


def learn_on(model: nn.Module, images: torch.Tensor, pull: torch.Tensor) -> nn.Module:
    model.train()
    model(images.to(memory_format=torch.channels_last)).mul(pull).sum().backward()
    return model


def test_frozen_norms_and_whole_mini_batches_ask_nobody() -> None:
    class Nobody(World):
        def stacked(self, tensor: torch.Tensor) -> torch.Tensor:
            raise AssertionError

    images = torch.randn(4, 3, 9, 8, generator=torch.Generator().manual_seed(1))
    model = network()
    exchanged = Synchronised(model, Nobody(0, 2))
    exchanged.here = True
    assert torch.equal(model(images), network()(images))
    exchanged.here = False
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    learn(model)
    model(images)
    learn(model.requires_grad_(True))
    with pytest.raises(AssertionError):
        model(images)
