"""Several processes for one job, as torchrun starts them: who is who, and what they tell each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from benchbox.engine.memory import out_of_memory

Anything = TypeVar("Anything")

PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: longer than rank 0 scores or writes. A process that dies is noticed at once,
by its closed connections."""


MEETING = "BENCHBOX_MEETING"
"""Variable with the file where the processes of one machine find each other; without it torchrun's address says."""


class Lost(Exception):
    """Another process of the job is gone or does not answer."""


@dataclass(frozen=True)
class World:
    """One of `size` processes that do a job together; alone, it asks nobody. Its methods are called by all or none."""

    rank: int = 0
    size: int = 1

    @classmethod
    def from_environment(cls) -> World:
        """Read what torchrun says; without it there is one process."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    @contextlib.contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Find the other processes and leave them at the end: NCCL for what lies on CUDA, gloo for the rest."""
        if self.size == 1:
            yield
            return
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        meeting = os.environ.get(MEETING)
        method = f"file://{meeting}" if meeting else "env://"
        with _explained():
            distributed.init_process_group(backend, method, rank=self.rank, world_size=self.size, timeout=PATIENCE)
        yield
        # Not after a failure: the others may be in the middle of something, and closed connections tell them.
        distributed.destroy_process_group()

    def any(self, here: bool) -> bool:
        """Return whether something is true in any process."""
        return self.sum(float(here)) > 0

    def sum(self, value: float) -> float:
        """Return the sum of the processes' values."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        with _explained():
            distributed.all_reduce(total)
        return float(total.item())

    def from_first(self, value: Anything) -> Anything:
        """Return rank 0's value."""
        if self.size == 1:
            return value
        box = [value]
        with _explained():
            distributed.broadcast_object_list(box)
        return box[0]

    def gathered(self, value: Anything) -> list[Anything]:
        """Return every process's value, by rank."""
        if self.size == 1:
            return [value]
        values: list[Anything] = [value] * self.size
        with _explained():
            distributed.all_gather_object(values, value)
        return values

    def stacked(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return every process's tensor, all of one shape, along a new first dimension."""
        if self.size == 1:
            return tensor[None]
        tensors = [torch.empty_like(tensor) for _ in range(self.size)]
        with _explained():
            distributed.all_gather(tensors, tensor)
        return torch.stack(tensors)

    def sum_gradients(self, model: torch.nn.Module) -> None:
        """Add up the gradients of all processes, as one tensor, so that all take the same step to the last bit."""
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        if self.size == 1 or not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        with _explained():
            distributed.all_reduce(flat)
        for gradient, total in zip(gradients, torch.split(flat, [one.numel() for one in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def share_buffers(self, model: torch.nn.Module) -> None:
        """Give rank 0's running statistics to all."""
        if self.size == 1:
            return
        with _explained():
            for buffer in model.buffers():
                distributed.broadcast(buffer, 0)


ALONE = World()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what torch says of a connection into `Lost`; memory that is short stays what it is."""
    try:
        yield
    except RuntimeError as problem:
        if out_of_memory(problem):
            raise
        raise Lost(str(problem).partition("\n")[0]) from problem
