"""Run one attempt at one job: data, network, training, predictions, scores, records, publication."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import torch

from benchbox import records
from benchbox.config import JobConfig, schedule
from benchbox.digest import source_digest
from benchbox.engine import checkpoint
from benchbox.engine.distributed import ALONE, World
from benchbox.engine.fold import bf16_is_native
from benchbox.engine.provenance import peak_memory_bytes, provenance
from benchbox.engine.weights import digest_of_weights, save_weights
from benchbox.errors import EnvironmentProblem
from benchbox.jobdir import Attempt
from benchbox.worker.count import cost_of
from benchbox.worker.evaluate import Test, best_epoch, is_best
from benchbox.worker.network import initial_network
from benchbox.worker.progress import Progress, Stopped, listen
from benchbox.worker.score import require_scores, whole
from benchbox.worker.source import Source, ground_of, open_source, packed, test_crops, training_crops
from benchbox.worker.stopwatch import Stopwatch
from benchbox.worker.training import Tally, Trained, Training, speed, trained_network

CPU_THREADS = 1
"""Threads of a job on a CPU: fixed, since sums in another order are other sums."""


def run_attempt(attempt: Attempt, data: Path | None, cache: Path, *, pack: bool = True) -> None:
    """Do the job of an attempt and publish its records, by this process or together with others.

    Args: pack: let training crops come from one.

    Raises: Stopped after SIGTERM or SIGINT, its state saved; whatever else went wrong as itself.
    """
    began = time.monotonic()
    world, config = World.from_environment(), attempt.job.read()
    device = prepare_device(world, deterministic=config.train.deterministic)
    with world.joined(device):
        _run(attempt, config, data, cache, world, device, pack, began)


def _run(
    attempt: Attempt,
    config: JobConfig,
    data: Path | None,
    cache: Path,
    world: World,
    device: torch.device,
    pack: bool,
    began: float,
) -> None:
    asked = listen()

    def stop() -> bool:
        return world.any(asked())

    progress = Progress(attempt.progress if world.first else None)
    progress.tell("data")
    check_precision(config, device)
    source = open_source(config, data, cache)

    def told(done: int, of: int) -> None:
        progress.tell("pack", done=done, of=of)
        if asked():  # not of all processes together: one builds, the others wait for it
            raise Stopped

    test = Test(config, test_crops(config, source), ground_of(config, source), device, world)
    require_scores(test.crops.people, test.ground)
    if schedule(config):
        learnt = training_crops(config, source)
        if pack:
            learnt = packed(learnt, cache, told)
        trained = trained_network(Training(config, learnt, test, attempt, device, progress, stop, world))
    else:
        trained = Trained(initial_network(config, device), None, Tally())
    job, tally = {"job": attempt.job.id}, trained.tally
    scores, timed = _judged(test, trained, attempt, progress, stop)
    if not world.first:
        return
    records.write(attempt.table("scores"), "scores", [job | row for row in scores])
    save_weights(attempt.weights, trained.model)
    seconds = time.monotonic() - began
    row = _run_row(config, source, tally, device, seconds) | timed | {"weights": digest_of_weights(trained.model)}
    records.write(attempt.table("runs"), "runs", [job | row])
    attempt.publish(source.inputs, seconds)
    attempt.end("done")
    for number in attempt.job.numbers():
        checkpoint.remove(Attempt(attempt.job, number).checkpoint)
    progress.tell("done", score=whole(scores), **speed(tally))
    print(f"done: {_headline(scores)} in {seconds:.0f} s")


def _judged(
    test: Test, trained: Trained, attempt: Attempt, progress: Progress, stop: Callable[[], bool]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Write the predictions of the weights that count; return their scores and how long predicting a person took.

    The scores of the last epoch are known in any case.
    """
    number = len(test.crops.people)

    def told(done: int) -> None:
        progress.tell("predict", done=min(done, number), of=number)
        if stop():
            raise Stopped

    watch = Stopwatch(test.device)
    people = test.people(trained.model, told)
    timed = watch.read(number, test.world.size)
    progress.tell("score")
    scores = test.scores(people)
    if schedule(test.config):
        validations = trained.tally.validations
        epochs = sum(phase.epochs for phase in schedule(test.config))
        validations.append({"epoch": epochs, **whole(scores)})
        if test.config.evaluate.weights == "best" and trained.best is not None and not is_best(validations):
            trained.model.load_state_dict(trained.best)
            people = test.people(trained.model, told)
            scores = test.scores(people)
    if not test.world.first:
        return scores, timed
    named = pa.array([attempt.job.id] * len(people), people.schema.field("job").type)
    records.write_table(attempt.table("people"), people.set_column(people.schema.get_field_index("job"), "job", named))
    return scores, timed


def prepare_device(world: World = ALONE, *, deterministic: bool = True) -> torch.device:
    """Choose the device of this process, of several each its own, and make its arithmetic repeatable.

    Args: deterministic: a GPU may be let off; a CPU computes no faster for it.
    """
    cv2.setNumThreads(0)
    gpu = torch.cuda.is_available()
    torch.use_deterministic_algorithms(deterministic or not gpu)
    if gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = not deterministic
        if world.size == 1:
            return torch.device("cuda")
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", world.rank)))
        torch.cuda.set_device(device)
        return device
    torch.set_num_threads(CPU_THREADS)
    return torch.device("cpu")


def check_precision(config: JobConfig, device: torch.device) -> None:
    """Refuse a job in bf16 on a device that would need days for it.

    Raises: EnvironmentProblem.
    """
    asked = {"train": config.train.precision if schedule(config) else "", "evaluate": config.evaluate.precision}
    called = "CPU" if device.type == "cpu" else "GPU"
    for table, precision in asked.items():
        if precision == "bf16" and not bf16_is_native(device):
            raise EnvironmentProblem(
                f'{table}.precision = "bf16": this {called} does not compute in bf16; it would take hundreds of times '
                'as long; use "fp32"'
            )


def _run_row(config: JobConfig, source: Source, tally: Tally, device: torch.device, seconds: float) -> dict[str, Any]:
    costs = cost_of(config)
    return {
        "state": "done",
        "failure": "",
        "config": json.dumps(config.model_dump(mode="json"), sort_keys=True),
        **vars(costs),
        "epochs": sum(phase.epochs for phase in schedule(config)),
        "parts": tally.parts if tally.steps else None,
        "processes": tally.processes if tally.steps else None,
        "validations": json.dumps(tally.validations),
        "best_epoch": best_epoch(tally.validations),
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


def _headline(scores: list[dict[str, Any]]) -> str:
    return ", ".join(f"{metric} {value:.1f}" for metric, value in whole(scores).items())
