"""Run one attempt at one job: data, network, training, predictions, scores, records, publication."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import torch

from benchbox import records
from benchbox.config import JobConfig
from benchbox.datasets.ahead import ahead
from benchbox.datasets.topdown import TopDown
from benchbox.digest import source_digest
from benchbox.engine import checkpoint
from benchbox.engine.fold import bf16_is_native
from benchbox.engine.provenance import peak_memory_bytes, provenance
from benchbox.engine.train import Step, step_drops, train_epoch
from benchbox.errors import EnvironmentProblem
from benchbox.files import write_json
from benchbox.jobdir import Attempt
from benchbox.options.models import MrnOptions
from benchbox.worker.count import cost_of
from benchbox.worker.network import initial_network
from benchbox.worker.predict import glance, people_records
from benchbox.worker.score import score_people
from benchbox.worker.source import Source, ground_of, open_source, packed, test_crops, training_crops

CPU_THREADS = 1
"""Threads of a job on a CPU: fixed, since sums in another order are other sums."""
PROGRESS_SECONDS = 1.0


class Stopped(Exception):
    """The process was asked to stop; its state is saved."""


@dataclass
class Progress:
    """What `status` and the live display read; written at most once a second."""

    path: Path
    record: dict[str, Any] = field(default_factory=dict)
    written: float = 0.0

    def tell(self, phase: str, **values: Any) -> None:
        now = time.monotonic()
        changed = self.record.get("phase") != phase
        self.record = {"phase": phase, **values}
        if changed or now - self.written >= PROGRESS_SECONDS:
            self.written = now
            write_json(self.path, self.record | {"time": time.time()})


@dataclass
class Tally:
    """Sums over the steps of a training."""

    samples: int = 0
    steps: int = 0
    seconds: float = 0.0
    data_seconds: float = 0.0
    loss: float | None = None

    def add(self, step: Step) -> None:
        self.samples += step.samples
        self.steps += 1
        self.seconds += step.seconds
        self.data_seconds += step.data_seconds
        self.loss = step.loss if self.loss is None else 0.98 * self.loss + 0.02 * step.loss


def run_attempt(attempt: Attempt, data: Path | None, cache: Path, *, pack: bool = True) -> None:
    """Do the job of an attempt and publish its records; with `pack`, training crops come from one.

    Raises: Stopped after SIGTERM or SIGINT, its state saved; whatever else went wrong as itself.
    """
    began = time.monotonic()
    stop = _listen()
    config = attempt.job.read()
    progress = Progress(attempt.progress)
    progress.tell("data")
    device = prepare_device()
    check_precision(config, device)
    source = open_source(config, data, cache)
    model = initial_network(config, device)

    def from_pack(crops: TopDown) -> TopDown:
        def told(done: int, of: int) -> None:
            progress.tell("pack", done=done, of=of)
            if stop():
                raise Stopped

        return packed(crops, cache, told) if pack else crops

    tally = _train(config, source, model, attempt, device, progress, stop, from_pack)
    crops = test_crops(config, source)
    people = len(crops.people)

    def told(done: int) -> None:
        progress.tell("predict", done=min(done, people), of=people)
        if stop():
            raise Stopped

    rows = people_records(model, crops, config, device, told)
    progress.tell("score")
    job = {"job": attempt.job.id}
    records.write(attempt.table("people"), "people", [job | row for row in rows])
    saved = records.read(attempt.table("people"), "people")
    scores = score_people(saved, ground_of(config, source))
    records.write(attempt.table("scores"), "scores", [job | row for row in scores])
    seconds = time.monotonic() - began
    row = _run_row(config, source, tally, device, seconds)
    records.write(attempt.table("runs"), "runs", [job | row])
    attempt.publish(source.inputs, seconds)
    attempt.end("done")
    for number in attempt.job.numbers():
        Attempt(attempt.job, number).checkpoint.unlink(missing_ok=True)
    progress.tell("done", score=_whole(scores), **_speed(tally))
    print(f"done: {_headline(scores)} in {seconds:.0f} s")


def prepare_device() -> torch.device:
    """Choose the device of this process and make its arithmetic repeatable."""
    cv2.setNumThreads(0)
    torch.use_deterministic_algorithms(True)
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        return torch.device("cuda")
    torch.set_num_threads(CPU_THREADS)
    return torch.device("cpu")


def check_precision(config: JobConfig, device: torch.device) -> None:
    """Refuse a job in bf16 on a device that would need days for it.

    Raises: EnvironmentProblem.
    """
    asked = {"train": config.train.precision if config.train.epochs else "", "evaluate": config.evaluate.precision}
    for table, precision in asked.items():
        if precision == "bf16" and not bf16_is_native(device):
            raise EnvironmentProblem(
                f'{table}.precision = "bf16": this {device.type} does not compute in bf16; it would take hundreds of '
                'times as long; use "fp32"'
            )


def _train(
    config: JobConfig,
    source: Source,
    model: torch.nn.Module,
    attempt: Attempt,
    device: torch.device,
    progress: Progress,
    stop: Callable[[], bool],
    from_pack: Callable[[TopDown], TopDown],
) -> Tally:
    recipe = config.train
    if recipe.epochs == 0:
        return Tally()
    crops, watched = from_pack(training_crops(config, source)), test_crops(config, source)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr, fused=True)
    rate = step_drops(recipe.lr, recipe.lr_drops, recipe.lr_factor)
    (first_epoch, first_step), tally = _resume(attempt, model, optimizer)

    def save(epoch: int, step: int) -> None:
        sums, made_by = asdict(tally), source_digest()
        checkpoint.save(attempt.checkpoint, model, optimizer, position=(epoch, step), tally=sums, source=made_by)

    score: dict[str, float] = {}
    for epoch in range(first_epoch, recipe.epochs):
        first = first_step if epoch == first_epoch else 0
        batches = ahead(crops.training_batches(epoch, recipe.batch, first))
        steps = train_epoch(
            model,
            optimizer,
            batches,
            rate=rate(epoch),
            device=device,
            precision=recipe.precision,
            **judged_by(config),
        )
        for number, step in enumerate(steps, start=first + 1):
            tally.add(step)
            progress.tell("train", **_report(tally, epoch, recipe.epochs, len(crops.people)), score=score)
            if stop():
                save(epoch, number)
                raise Stopped
        save(epoch + 1, 0)
        score = glance(model, watched, device)
        shown = " ".join(f"{name} {value:.1f}" for name, value in score.items())
        print(f"epoch {epoch + 1}/{recipe.epochs} samples {tally.samples} loss {tally.loss:.6f} {shown}", flush=True)
    return tally


def judged_by(config: JobConfig) -> dict[str, Any]:
    """Return the keywords of `train_epoch` that say what a prediction's loss is."""
    if isinstance(config.model, MrnOptions):
        return {"loss": "coordinates", "auxiliary": config.model.auxiliary, "sigma": config.train.sigma}
    return {"loss": config.train.loss}


def _speed(tally: Tally) -> dict[str, float]:
    """Return the samples a second of a training and the share of its time that went into waiting for data."""
    if not tally.seconds:
        return {}
    share = tally.data_seconds / tally.seconds
    return {"rate": round(tally.samples / tally.seconds, 1), "data_wait": round(share, 4)}


def _report(tally: Tally, epoch: int, epochs: int, people: int) -> dict[str, Any]:
    rate = tally.samples / max(tally.seconds, 1e-9)
    share = min(1.0, tally.samples / (epochs * people))
    return {
        "epoch": epoch + 1,
        "epochs": epochs,
        "share": round(share, 4),
        "loss": tally.loss,
        "rate": round(rate, 1),
        "data_wait": round(tally.data_seconds / max(tally.seconds, 1e-9), 4),
        "seconds_left": round((1 - share) * epochs * people / rate, 1),
    }


def _resume(
    attempt: Attempt, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[tuple[int, int], Tally]:
    for number in reversed(attempt.job.numbers()):
        earlier = Attempt(attempt.job, number).checkpoint
        if number < attempt.number and earlier.exists():
            saved = checkpoint.load(earlier, model, optimizer, source=source_digest())
            if saved is not None:
                (epoch, step), tally = saved
                print(f"goes on from attempt {number}: epoch {epoch + 1}, step {step + 1}", flush=True)
                return (epoch, step), Tally(**tally)  # type: ignore[arg-type]
    return (0, 0), Tally()


def _run_row(config: JobConfig, source: Source, tally: Tally, device: torch.device, seconds: float) -> dict[str, Any]:
    costs = cost_of(config)
    return {
        "state": "done",
        "failure": "",
        "config": json.dumps(config.model_dump(mode="json"), sort_keys=True),
        **vars(costs),
        "epochs": config.train.epochs,
        "samples": tally.samples,
        "final_loss": tally.loss,
        "wall_seconds": seconds,
        "step_seconds": tally.seconds / tally.steps if tally.steps else None,
        "samples_per_second": tally.samples / tally.seconds if tally.steps else None,
        "data_wait_share": tally.data_seconds / tally.seconds if tally.steps else None,
        "peak_memory_bytes": peak_memory_bytes(device),
        "device": device.type,
        "threads": torch.get_num_threads(),
        "source": source_digest(),
        "inputs": json.dumps(source.inputs, sort_keys=True),
        "provenance": json.dumps(provenance(device), sort_keys=True),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _whole(scores: list[dict[str, Any]]) -> dict[str, float]:
    shown = ("AP", "AP50", "PCKh", "PCK")
    whole: dict[str, float] = {}
    for row in scores:
        if row["group"] == "all" and row["metric"] in shown:
            whole.setdefault(row["metric"], row["value"])
    return whole


def _headline(scores: list[dict[str, Any]]) -> str:
    return ", ".join(f"{metric} {value:.1f}" for metric, value in _whole(scores).items())


def _listen() -> Callable[[], bool]:
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        signal.signal(number, lambda received, frame: asked.append(received))
    return lambda: bool(asked)
