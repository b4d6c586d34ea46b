"""The verb that measures how fast networks are, each in a process of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchbox import costs
from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.counts import count_networks
from benchbox.cli.grid import FORMATS, emit
from benchbox.cli.markup import Column
from benchbox.config import JobConfig
from benchbox.console import note
from benchbox.errors import OK, InvalidInput, nearest
from benchbox.files import explained
from benchbox.networks import Network, networks

DEVICES = ("cpu", "cuda")
PRECISIONS = ("fp32", "bf16")
USUAL_BATCH = {"cpu": 4, "cuda": 32}
PERCENTILES = ("p50", "p90", "p99")


@dataclass(frozen=True)
class Asked:
    """What the user asked for, as typed."""

    device: str | None
    batch: int | None
    precision: str
    input: str | None
    repeats: int
    threads: int

    def setting(self) -> dict[str, Any]:
        """Return what the worker measures with.

        Raises: InvalidInput.
        """
        device = self.device or ("cuda" if folders.gpus() else "cpu")
        for option, value, known in (("device", device, DEVICES), ("precision", self.precision, PRECISIONS)):
            if value not in known:
                raise InvalidInput(f"--{option} {value}: unknown{nearest(value, known)}")
        return {
            "device": device,
            "batch": self.batch or USUAL_BATCH[device],
            "precision": self.precision,
            "repeats": self.repeats,
            "threads": self.threads,
        }

    def job(self, network: Network) -> JobConfig:
        """Return a job with the network at the input that was asked for, else at the first it is listed at.

        Raises: InvalidInput.
        """
        first = network.listed[0]
        if self.input is None:
            return network.job(first.dataset, first.input)
        sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", self.input)
        if not sides:
            raise InvalidInput(f"--input {self.input}: height x width in pixels, e.g. 256x192")
        return network.job(first.dataset, (int(sides[1]), int(sides[2])))


def bench(names: Sequence[str], asked: Asked, results: Path, format: str) -> int:
    """Measure networks one after another, keep every measurement as it is made, and print them."""
    if format not in FORMATS:
        raise InvalidInput(f"--format {format}: unknown{nearest(format, FORMATS)}")
    chosen, setting = networks(names), asked.setting()
    jobs = [asked.job(network) for network in chosen]
    folder = results / "bench"
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    counted = count_networks(jobs)
    rates = ask(["rates"], setting)
    slower = rates["fp32"] / rates[asked.precision]
    if setting["device"] == "cpu" and slower > 1:
        said = f"its matrix product takes {slower:.0f} times as long as in fp32"
        note(f"{asked.precision}: this processor has no instructions for it; {said}")
    time = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    rows: list[dict[str, Any]] = []
    try:
        for number, (network, job) in enumerate(zip(chosen, jobs, strict=True), start=1):
            note(f"{network.name}: measuring ({number} of {len(chosen)})")
            given = {"config": job.model_dump(mode="json"), "setting": setting, "network": network.name}
            given |= {"costs": vars(counted[costs.key(job)]), "rate": rates[asked.precision]}
            rows.append(ask(["bench"], given | {"folder": str(folder), "time": time}))
    except KeyboardInterrupt:
        note(f"stopped; measured and kept: {len(rows)} of {len(chosen)}")
        raise
    meta = {"schema": 1, "kind": "models-bench", "setting": setting, "rates": rates}
    footnotes = _footnotes(setting, rates, rows)
    title = f"Speed on {setting['device']}, {setting['precision']}, {setting['batch']} images a batch"
    if format == "json":
        emit(format, title, [], rows, meta, footnotes)
    elif format == "csv":
        emit(format, title, [Column(key, key) for key in rows[0]], rows, meta)
    else:
        emit(format, title, COLUMNS, [_texts(row) for row in rows], meta, footnotes)
    return OK


COLUMNS = [
    Column("network", "Network"),
    Column("input", "Input"),
    Column("forward", "Forward, images/s", right=True),
    Column("training", "Training, images/s", right=True),
    Column("latency", "Batch p50/p90/p99, ms", right=True),
    Column("single", "One image p50/p90/p99, ms", right=True),
    Column("memory", "Peak forward/training, MiB", right=True),
    Column("share", "Share", right=True),
]


def _texts(row: dict[str, Any]) -> dict[str, str]:
    peaks = (row[f"{phase}_peak_bytes"] / 2**20 for phase in ("forward", "training"))
    return {
        "network": row["network"],
        "input": f"{row['height']}x{row['width']}",
        "forward": _spread(row, "images_per_second"),
        "training": _spread(row, "training_images_per_second"),
        "latency": "/".join(f"{1000 * row[f'latency_{name}']:.1f}" for name in PERCENTILES),
        "single": "/".join(f"{1000 * row[f'single_latency_{name}']:.1f}" for name in PERCENTILES),
        "memory": "/".join(f"{peak:.0f}" for peak in peaks),
        "share": f"{100 * row['matrix_share']:.0f} %",
    }


def _spread(row: dict[str, Any], key: str) -> str:
    return f"{row[key]:.2f} ({row[f'{key}_min']:.2f}-{row[f'{key}_max']:.2f})"


def _footnotes(setting: dict[str, Any], rates: dict[str, float], rows: Sequence[dict[str, Any]]) -> list[str]:
    precision, rate = setting["precision"], rates[setting["precision"]]
    share = rate / rates["fp32"]
    footnotes = [
        f"Median (least-most) of {setting['repeats']} repeats of a second or more, on {setting['threads']} threads; "
        "batch norm folded, channels last in memory; the percentiles are over all calls.",
        "Training: a job's step, from bytes to Adam's update, without making the crops.",
        f"Share: the forward pass's multiply-adds, two operations each, of the {rate / 1e9:,.1f} G a second that a "
        f"matrix product reaches here in {precision}.",
    ]
    if setting["device"] == "cpu":
        footnotes.append("Peak: of the whole process, libraries included; training's is at least forward's.")
    if setting["device"] == "cpu" and rate < rates["fp32"]:
        footnotes.append(
            f"This processor has no instructions for {precision}: its matrix product has {share:.3f} of fp32's rate, "
            "and a share of it may exceed 100 %."
        )
    return [*footnotes, f"Kept: {', '.join(row['file'] for row in rows)}."]
