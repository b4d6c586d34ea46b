"""Tell running out of memory from other failures."""

from __future__ import annotations

import gc

import torch


def out_of_memory(problem: BaseException) -> bool:
    """Whether memory was refused, by a device or by the machine; torch says the latter in words only."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(problem, RuntimeError) and "allocate memory" in str(problem)


def release() -> None:
    """Give back what nothing refers to any longer."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
