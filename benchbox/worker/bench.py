"""Measure how fast a network is: forward, training step, latencies, memory, and the machine's matrix product.

One process measures one network, so that its peak of memory is the network's own.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbox import records
from benchbox.config import JobConfig
from benchbox.digest import source_digest
from benchbox.engine.fold import bf16_is_native, folded
from benchbox.engine.memory import out_of_memory
from benchbox.engine.normalise import normalised
from benchbox.engine.optim import make_optimizer
from benchbox.engine.provenance import peak_memory_bytes, provenance
from benchbox.engine.timing import percentile, spread, timed
from benchbox.engine.train import train_epoch
from benchbox.errors import EnvironmentProblem
from benchbox.files import explained
from benchbox.worker.network import initial_network
from benchbox.worker.run import prepare_device
from benchbox.worker.training import judged_by

WARM_UP = 2
SECONDS = 1.0
"""Least time of a repeat."""
PERCENTILES = (0.5, 0.9, 0.99)
RATE = 1e-3
MATRIX = {"cpu": 2048, "cuda": 8192}
"""Side of the square matrices whose product stands for what the machine can do."""
MATRIX_EMULATED = 256
"""Their side in a precision that the device does not compute in."""
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Setting:
    """How is measured: on cpu or cuda, with so many images a batch, in fp32 or bf16, so often, on so many threads."""

    device: str
    batch: int
    precision: str
    repeats: int
    threads: int

    def prepare(self) -> torch.device:
        """Set this process up as a job's would be, but for the threads that were asked for.

        Raises: EnvironmentProblem without the device.
        """
        found = prepare_device()
        if self.device == "cuda" and found.type != "cuda":
            raise EnvironmentProblem("--device cuda: no CUDA device found")
        torch.set_num_threads(self.threads)
        return torch.device(self.device)


def rates(setting: Setting) -> dict[str, float]:
    """Return the operations a second, two a multiply-add, of a matrix product: in the precision, and in fp32."""
    device = setting.prepare()
    # as convolutions do, which on CUDA may round fp32 to TF32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    return {name: _matrix_rate(device, DTYPES[name]) for name in dict.fromkeys((setting.precision, "fp32"))}


def measure(
    config: JobConfig, setting: Setting, *, network: str, costs: dict[str, Any], rate: float, folder: Path, time: str
) -> dict[str, Any]:
    """Measure one network and write its row to <time>-<n>.parquet.

    Args:
        config: a job with the network, its joints and its input. network: its name. costs: parameters and macs.
        rate: the machine's, operations a second. folder, time: where the row is written, and under which name.

    Returns: the row, with the file's name as `file`.
    Raises: EnvironmentProblem without the device, memory, or room on the disk.
    """
    device = setting.prepare()
    try:
        row = _measured(config, setting, device)
    except (RuntimeError, MemoryError) as problem:
        if out_of_memory(problem):
            raise EnvironmentProblem(f"{network}: out of memory at --batch {setting.batch}") from None
        raise
    height, width = config.dataset.input
    row |= {
        "network": network,
        "model": json.dumps(config.model.model_dump(mode="json", exclude_defaults=True) | {"name": config.model.name}),
        "joints": config.dataset.joints,
        "height": height,
        "width": width,
        **vars(setting),
        "parameters": costs["parameters"],
        "macs": costs["macs"],
        "matrix_rate": rate,
        "matrix_share": 2 * costs["macs"] * row["images_per_second"] / rate,
        "torch": torch.__version__,
        "source": source_digest(),
        "provenance": json.dumps(provenance(device), sort_keys=True),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = next(path for n in itertools.count(1) if not (path := folder / f"{time}-{n}.parquet").exists())
        records.write(file, "bench", [row])
    return row | {"file": str(file)}


def _measured(config: JobConfig, setting: Setting, device: torch.device) -> dict[str, Any]:
    # He's weights: through those of SimpleBaseline's scheme a deep network's values fade to slow denormals.
    drawn = config.model_copy(update={"model": config.model.model_copy(update={"initial": "he"})})
    model = initial_network(drawn, device)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (setting.batch, *config.dataset.input, 3), dtype=np.uint8)
    forward, shape = _forward(folded(model, setting.precision), images, setting, device)
    forward["forward_peak_bytes"] = peak_memory_bytes(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    target, weight = draw.random(shape, dtype=np.float32), np.ones((*shape[:2], 1), np.float32)
    optimizer = make_optimizer(model, "adam")
    batches = itertools.repeat((images, target, weight))
    how = {"precision": setting.precision, **judged_by(config)}
    steps = train_epoch(model, optimizer, batches, rate=RATE, device=device, **how)
    trained = _throughput("training_images_per_second", setting.batch, _repeated(lambda: next(steps), setting))
    return forward | trained | {"training_peak_bytes": peak_memory_bytes(device)}


@torch.no_grad()
def _forward(
    model: nn.Module, images: np.ndarray, setting: Setting, device: torch.device
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return what the forward pass takes, for the batch and for one image, and its output's shape."""
    crops = normalised(images, device).to(DTYPES[setting.precision])
    shape = tuple(model(crops).shape)
    repeats = _repeated(lambda: model(crops), setting)
    several = list(itertools.chain(*repeats))
    single = list(itertools.chain(*_repeated(lambda: model(crops[:1]), setting)))
    return {
        **_throughput("images_per_second", setting.batch, repeats),
        **{f"latency_p{100 * share:.0f}": percentile(several, share) for share in PERCENTILES},
        **{f"single_latency_p{100 * share:.0f}": percentile(single, share) for share in PERCENTILES},
        "calls": len(several),
        "single_calls": len(single),
    }, shape


def _repeated(call: Callable[[], object], setting: Setting) -> list[list[float]]:
    """Return the seconds of every call of every repeat, after a warm-up of a few calls, or of one slow one."""
    wait: Callable[[], object] = torch.cuda.synchronize if setting.device == "cuda" else lambda: None
    if timed(call, seconds=0, wait=wait)[0] < SECONDS:
        for _ in range(WARM_UP):
            call()
        wait()
    return [timed(call, seconds=SECONDS, wait=wait) for _ in range(setting.repeats)]


def _throughput(name: str, images: int, repeats: list[list[float]]) -> dict[str, float]:
    rate = spread([images * len(times) / sum(times) for times in repeats])
    return {name: rate.median, f"{name}_min": rate.least, f"{name}_max": rate.most}


def _matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    native = dtype == torch.float32 or bf16_is_native(device)
    side = MATRIX[device.type] if native else MATRIX_EMULATED
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    wait: Callable[[], object] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.mm(left, right)
    return 2 * side**3 / min(timed(lambda: torch.mm(left, right), seconds=SECONDS, wait=wait))
