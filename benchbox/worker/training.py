"""Train a job's network: phase after phase, from where an earlier attempt stopped, in parts where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from benchbox.config import JobConfig, schedule
from benchbox.datasets.ahead import ahead
from benchbox.datasets.topdown import TopDown
from benchbox.digest import source_digest
from benchbox.engine import checkpoint
from benchbox.engine.distributed import ALONE, World
from benchbox.engine.memory import out_of_memory, release
from benchbox.engine.optim import freeze, make_optimizer
from benchbox.engine.train import Step, train_epoch
from benchbox.errors import EnvironmentProblem
from benchbox.jobdir import Attempt
from benchbox.options.models import MrnOptions
from benchbox.options.recipes import Phase
from benchbox.worker.evaluate import Test, is_best
from benchbox.worker.network import hold_masks, initial_network
from benchbox.worker.predict import glance
from benchbox.worker.progress import Progress, Stopped
from benchbox.worker.together import MoreParts


@dataclass
class Tally:
    """Sums over the steps of a training.

    parts: the most that a process's share of a mini-batch was computed in. processes: the most that took part.
    validations: scores after some epochs, each with its epoch.
    """

    samples: int = 0
    steps: int = 0
    seconds: float = 0.0
    data_seconds: float = 0.0
    loss: float | None = None
    parts: int = 1
    processes: int = 1
    validations: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """Count a step."""
        self.samples += step.samples
        self.steps += 1
        self.seconds += step.seconds
        self.data_seconds += step.data_seconds
        self.loss = step.loss if self.loss is None else 0.98 * self.loss + 0.02 * step.loss


@dataclass(frozen=True)
class Training:
    """What a training needs beside its network: people to learn from, the test, the place of its state, processes."""

    config: JobConfig
    crops: TopDown
    test: Test
    attempt: Attempt
    device: torch.device
    progress: Progress
    stop: Callable[[], bool]
    world: World = ALONE

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in schedule(self.config))

    def validates(self, done: int) -> bool:
        """Whether the test persons are scored after so many epochs; after the last they are anyway."""
        every = self.config.train.validate_every
        return every > 0 and done % every == 0 and done < self.epochs


@dataclass(frozen=True)
class Trained:
    """A network with the weights of its last epoch, the best validated before that if any, and sums over the steps."""

    model: nn.Module
    best: dict[str, torch.Tensor] | None
    tally: Tally


def trained_network(training: Training) -> Trained:
    """Train a job's network; goes on where an earlier attempt stopped.

    A mini-batch for which memory is short is computed in twice as many parts, from the last checkpoint on: the batch
    and the rate of learning stay what they are, but batch norm sees smaller parts.

    Raises: Stopped, its state saved. NonFiniteLoss, the last checkpoint kept. Memory errors where two samples are too
    many. MoreParts, of several processes, which cannot go on once one has left the others in the middle of a step.
    """
    world, attempt = training.world, training.attempt
    parts = max(training.config.train.accumulate, attempt.asked_parts())
    largest = max(phase.batch or 0 for phase in schedule(training.config)) // world.size
    while True:
        try:
            return _trained(training, parts)
        except Exception as problem:
            if not out_of_memory(problem) or largest // (2 * parts) < 2:
                raise
        parts *= 2
        if world.size > 1:
            attempt.ask_parts(parts)
            raise MoreParts
        print(f"out of memory: goes on with mini-batches in {parts} parts", flush=True)
        release()


def _trained(training: Training, parts: int) -> Trained:
    config, world = training.config, training.world
    model = initial_network(config, training.device)
    saved = _resume(training, model)
    (first_epoch, first_step), tally, best = (0, 0), Tally(), None
    if saved is not None:
        (first_epoch, first_step), tally, best = saved.position, Tally(**saved.tally), saved.best
    tally.parts, tally.processes = max(tally.parts, parts), max(tally.processes, world.size)
    standing = None
    score: dict[str, float] = {}
    for epoch, phase, own_epoch in _epochs(config):
        if epoch < first_epoch:
            continue
        first = first_step if epoch == first_epoch else 0
        if phase is not standing:
            standing = phase
            optimizer = _begin(model, phase, config)
            if saved is not None and epoch == first_epoch and (own_epoch, first) > (0, 0):
                optimizer.load_state_dict(saved.optimizer)
        with closing(_steps(training, model, optimizer, phase, tally.parts, (epoch, own_epoch, first))) as steps:
            for number, step in enumerate(steps, start=first + 1):
                tally.add(step)
                training.progress.tell("train", **_report(training, tally, epoch), score=score)
                if training.stop():
                    _save(training, model, optimizer, (epoch, number), tally, best)
                    raise Stopped
        world.share_buffers(model)
        if training.validates(epoch + 1):
            tally.validations.append(_validation(training, model, epoch + 1))
            if is_best(tally.validations):
                best = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        _save(training, model, optimizer, (epoch + 1, 0), tally, best)
        score = glance(model, training.test.crops, training.device, world)
        _say(training, tally, epoch, score)
    hold_masks(model, config)  # of one that was stopped after its last epoch, no phase has
    return Trained(model, best, tally)


def _validation(training: Training, model: nn.Module, epoch: int) -> dict[str, float]:
    people = len(training.test.crops.people)

    def told(done: int) -> None:
        training.progress.tell("validate", done=min(done, people), of=people)
        if training.stop():
            raise Stopped

    return training.test.validation(model, epoch, told)


def _epochs(config: JobConfig) -> Iterator[tuple[int, Phase, int]]:
    """Yield every epoch, counted over all phases, with its phase and its number in that, from 0."""
    epoch = 0
    for phase in schedule(config):
        for own_epoch in range(phase.epochs):
            yield epoch, phase, own_epoch
            epoch += 1


def _begin(model: nn.Module, phase: Phase, config: JobConfig) -> torch.optim.Optimizer:
    """Let learn what the phase trains, with a fresh optimizer."""
    if config.model.learns_masks:
        model.masks = phase.masks  # type: ignore[assignment]
        masks = set(model.mask_parameters())  # type: ignore[operator]
        pose = {name for name, _ in model.named_parameters()} - masks
        freeze(model, {"all": set[str](), "pose": masks, "masks": pose}[phase.trains])
    return make_optimizer(model, config.train.optimizer, weight_decay=config.train.weight_decay)


def _steps(
    training: Training,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    phase: Phase,
    parts: int,
    position: tuple[int, int, int],
) -> Generator[Step, None, None]:
    """Train an epoch from a step on; `position` is the epoch, its number in the phase, and that step."""
    recipe, (epoch, own_epoch, first) = training.config.train, position
    share = (training.world.rank, training.world.size)
    made = training.crops.training_batches(epoch, phase.batch or recipe.batch, first, share)
    with closing(ahead(made)) as batches:
        yield from train_epoch(
            model,
            optimizer,
            batches,
            rate=phase.rate(own_epoch),
            device=training.device,
            parts=parts,
            precision=recipe.precision,
            activity=recipe.activity,
            world=training.world,
            sync_batch_norm=recipe.sync_batch_norm,
            **judged_by(training.config),
        )


def judged_by(config: JobConfig) -> dict[str, Any]:
    """Return the keywords of `train_epoch` that say what a prediction's loss is."""
    if isinstance(config.model, MrnOptions):
        return {"loss": "coordinates", "auxiliary": config.model.auxiliary, "sigma": config.train.sigma}
    return {"loss": config.train.loss}


def _save(
    training: Training,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    position: tuple[int, int],
    tally: Tally,
    best: dict[str, torch.Tensor] | None,
) -> None:
    if not training.world.first:
        return
    sums, made_by, path = asdict(tally), source_digest(), training.attempt.checkpoint
    checkpoint.save(path, model, optimizer, position=position, tally=sums, source=made_by, best=best)


def _resume(training: Training, model: nn.Module) -> checkpoint.Saved | None:
    saved = _last(training.attempt, model)
    found = training.world.gathered(None if saved is None else saved.position)
    if len(set(found)) > 1:
        raise EnvironmentProblem(f"{training.attempt.path}: its processes do not see the same checkpoints")
    return saved


def _last(attempt: Attempt, model: nn.Module) -> checkpoint.Saved | None:
    for number in reversed(attempt.job.numbers()):
        if number <= attempt.number:
            saved = checkpoint.load(Attempt(attempt.job, number).checkpoint, model, source=source_digest())
            if saved is not None:
                epoch, step = saved.position
                print(f"goes on from attempt {number}: epoch {epoch + 1}, step {step + 1}", flush=True)
                return saved
    return None


def speed(tally: Tally) -> dict[str, float]:
    """Return the samples a second of a training and the share of its time that went into waiting for data."""
    if not tally.seconds:
        return {}
    share = tally.data_seconds / tally.seconds
    return {"rate": round(tally.samples / tally.seconds, 1), "data_wait": round(share, 4)}


def _report(training: Training, tally: Tally, epoch: int) -> dict[str, Any]:
    people, epochs = len(training.crops.people), training.epochs
    rate = max(tally.samples, 1) / max(tally.seconds, 1e-9)
    share = min(1.0, tally.samples / (epochs * people))
    return {
        "epoch": epoch + 1,
        "epochs": epochs,
        "share": round(share, 4),
        "loss": tally.loss,
        **speed(tally),
        "seconds_left": round((1 - share) * epochs * people / rate, 1),
    }


def _say(training: Training, tally: Tally, epoch: int, score: dict[str, float]) -> None:
    shown = " ".join(f"{name} {value:.1f}" for name, value in score.items())
    counted = f"epoch {epoch + 1}/{training.epochs} samples {tally.samples}"
    print(f"{counted} loss {tally.loss:.6f} {shown}", flush=True)
