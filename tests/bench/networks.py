"""HRNet-W32 at 256x192, batch 8, as jobs run it, against the plain contiguous fp32 network, in turns in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from benchbox.engine.fold import bf16_is_native, folded
from benchbox.engine.train import train_epoch
from benchbox.models import MODELS
from benchbox.models.initial import initialise

BATCH, HEIGHT, WIDTH, JOINTS = 8, 256, 192, 17
MULTIPLY_ADDS = 7_645_003_776
ROUNDS = 5
CPU = torch.device("cpu")


def in_turns(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the least seconds of each of several works, done one after the other in every round, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return {name: min(values) for name, values in seconds.items()}


def matrix_rate(dtype: torch.dtype) -> float:
    """Return the floating-point operations a second of a product of two 2048 x 2048 matrices, the best of a few."""
    size = 2048 if dtype == torch.float32 or bf16_is_native(CPU) else 256
    one, other = (torch.rand(size, size).to(dtype) for _ in range(2))
    times = []
    for _ in range(6):
        began = time.perf_counter()
        torch.mm(one, other)
        times.append(time.perf_counter() - began)
    return 2 * size**3 / min(times)


def network() -> nn.Module:
    """Return the network with initial weights, contiguous in memory."""
    model = MODELS["hrnet"](joints=JOINTS)
    initialise(model, 0, scheme="he")
    return model


def training(model: nn.Module, precision: str) -> Callable[[], object]:
    """Return one step of training on made-up crops."""
    images = np.zeros((BATCH, HEIGHT, WIDTH, 3), np.uint8)
    targets = np.zeros((BATCH, JOINTS, HEIGHT // 4, WIDTH // 4), np.float32)
    weights = np.ones((BATCH, JOINTS, 1), np.float32)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def steps() -> Iterator[object]:
        batches = [(images, targets, weights)]
        yield from train_epoch(model, optimizer, batches, rate=1e-3, device=CPU, precision=precision)

    return lambda: list(steps())


def plain_training(model: nn.Module) -> Callable[[], object]:
    """Return one step of a contiguous fp32 network, with torch's plain Adam."""
    images = torch.rand(BATCH, 3, HEIGHT, WIDTH)
    targets = torch.zeros(BATCH, JOINTS, HEIGHT // 4, WIDTH // 4)
    optimizer = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.mse_loss(model.train()(images), targets).backward()
        optimizer.step()

    return step


def show(title: str, seconds: dict[str, float], passes: int) -> None:
    """Print a line a way: images a second, the ratio to the plain one, the share of the matrix rate."""
    first = seconds["plain contiguous fp32"]
    for name, each in seconds.items():
        rate = matrix_rate(torch.bfloat16 if "bf16" in name else torch.float32)
        share = 100 * passes * 2 * MULTIPLY_ADDS * BATCH / each / rate
        print(
            f"{title:9} {name:26} {BATCH / each:6.2f} images/s  {first / each:5.2f}x  "
            f"{share:4.0f} % of {rate / 1e9:.0f} GFLOPS"
        )


def main() -> None:
    """Print every figure."""
    torch.set_num_threads(2)
    precisions = ["fp32", "bf16"] if bf16_is_native(CPU) else ["fp32"]
    images = torch.rand(BATCH, 3, HEIGHT, WIDTH)
    last = images.to(memory_format=torch.channels_last)
    plain = network().eval()
    own = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    forward: dict[str, Callable[[], object]] = {"plain contiguous fp32": lambda: plain(images)}
    for precision in precisions:
        quick, seen = folded(own, precision), last.to(torch.bfloat16 if precision == "bf16" else torch.float32)
        forward[f"as in jobs, {precision}"] = lambda quick=quick, seen=seen: quick(seen)
    with torch.no_grad():
        show("forward", in_turns(forward), 1)
    train: dict[str, Callable[[], object]] = {"plain contiguous fp32": plain_training(network())}
    for precision in precisions:
        model = network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        train[f"as in jobs, {precision}"] = training(model, precision)
    show("training", in_turns(train), 3)
    if "bf16" not in precisions:
        print("bf16: this processor does not compute in it (matrix product "
              f"{matrix_rate(torch.bfloat16) / 1e9:.1f} GFLOPS); not run")  # fmt: skip


if __name__ == "__main__":
    main()
