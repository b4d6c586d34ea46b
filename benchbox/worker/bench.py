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
from torch import Tensor, nn

from benchbox import records
from benchbox.config import JobConfig
from benchbox.digest import source_digest
from benchbox.engine.normalise import normalised
from benchbox.engine.provenance import peak_memory_bytes, provenance
from benchbox.engine.timing import Spread, percentile, spread, timed
from benchbox.engine.train import train_epoch
from benchbox.errors import EnvironmentProblem
from benchbox.files import explained
from benchbox.worker.network import initial_network
from benchbox.worker.run import prepare_device

WARM_UP = 3
SECONDS = 1.0
"""Least time of a repeat."""
PERCENTILES = (0.5, 0.9, 0.99)
MATRIX = {"cpu": 2048, "cuda": 8192}
"""Side of the square matrices whose product stands for what the machine can do."""
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
    """Return the multiply-adds' two operations a second of a matrix product: in the precision, and in fp32."""
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
    except (RuntimeError, MemoryError) as problem:  # torch.OutOfMemoryError is the first, so is a refusal on a CPU
        if isinstance(problem, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(problem):
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
    model = initial_network(
        config.model_copy(update={"model": config.model.model_copy(update={"initial": "he"})}), device
    ).eval()
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (setting.batch, *config.dataset.input, 3), dtype=np.uint8)
    crops = normalised(images, device)
    whole, calls = _forward(model, crops, setting)
    single = _forward(model, crops[:1], setting)[1]
    forward_peak = peak_memory_bytes(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with torch.no_grad():
        shape = tuple(model(crops).shape)
    target = draw.random(shape, dtype=np.float32)
    trained = _training(model, (images, target, np.ones((*shape[:2], 1), np.float32)), setting, device)
    return {
        **_columns("images_per_second", whole),
        **_columns("training_images_per_second", trained),
        **{f"latency_p{100 * share:.0f}": percentile(calls, share) for share in PERCENTILES},
        **{f"single_latency_p{100 * share:.0f}": percentile(single, share) for share in PERCENTILES},
        "calls": len(calls),
        "single_calls": len(single),
        "forward_peak_bytes": forward_peak,
        "training_peak_bytes": peak_memory_bytes(device),
    }


def _forward(model: nn.Module, crops: Tensor, setting: Setting) -> tuple[Spread, list[float]]:
    """Return images a second over repeats, and the seconds of every call."""

    def call() -> None:
        with torch.no_grad(), torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
            model(crops)

    repeats = _repeated(call, setting)
    return _throughput(len(crops), repeats), list(itertools.chain(*repeats))


def _training(
    model: nn.Module, batch: tuple[np.ndarray, np.ndarray, np.ndarray], setting: Setting, device: torch.device
) -> Spread:
    """Return images a second of a job's own training step: normalising, forward, loss, backward, Adam."""
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    batches = itertools.repeat(batch)
    steps = train_epoch(model, optimizer, batches, rate=1e-3, device=device, precision=setting.precision)
    return _throughput(setting.batch, _repeated(lambda: next(steps), setting))


def _repeated(call: Callable[[], object], setting: Setting) -> list[list[float]]:
    wait: Callable[[], object] = torch.cuda.synchronize if setting.device == "cuda" else lambda: None
    for _ in range(WARM_UP):
        call()
    wait()
    return [timed(call, seconds=SECONDS, wait=wait) for _ in range(setting.repeats)]


def _throughput(images: int, repeats: list[list[float]]) -> Spread:
    return spread([images * len(times) / sum(times) for times in repeats])


def _columns(name: str, values: Spread) -> dict[str, float]:
    return {name: values.median, f"{name}_min": values.least, f"{name}_max": values.most}


def _matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    side = MATRIX[device.type]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    wait: Callable[[], object] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.mm(left, right)
    return 2 * side**3 / min(timed(lambda: torch.mm(left, right), seconds=SECONDS, wait=wait))
