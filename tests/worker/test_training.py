"""Training in phases, from where it stopped, and with less memory than it asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchbox.config import JobConfig
from benchbox.engine import train
from benchbox.engine.train import NonFiniteLoss
from benchbox.jobdir import Attempt, JobDir
from benchbox.worker import source as source_of
from benchbox.worker import training as training_of
from benchbox.worker.evaluate import Test
from benchbox.worker.network import initial_network
from benchbox.worker.progress import Progress, Stopped
from benchbox.worker.training import Tally, Training, trained_network

CPU = torch.device("cpu")
TASKS = [
    {"epochs": 1, "trains": "pose", "masks": "ones", "lr": 1e-3},
    {"epochs": 2, "trains": "masks", "lr": 1e-2, "lr_drops": [1]},
    {"epochs": 1, "lr": 1e-4, "batch": 4},
]
NETWORKS: dict[str, dict[str, Any]] = {
    "acnn": {"name": "acnn", "stacks": 2, "shrink": 0.0625},
    "mrn": {"name": "mrn", "attention": "multi-resolution", "shrink": 0.0625},
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing is saved."""


def job(model: dict[str, Any], people: int = 20, **recipe: Any) -> JobConfig:
    train = {"batch": 8, "sigma": 1.0, "optimizer": "rmsprop", "weight_decay": 1e-4} | recipe
    dataset = {"name": "synthetic", "layout": "mpii", "train": people, "test": 4}
    return JobConfig.model_validate({"dataset": dataset, "model": model, "train": train})


def never() -> bool:
    return False


def after(steps: int, ending: type[BaseException] | None = None) -> Callable[[], bool]:
    """Ask to stop after so many steps, or end there without a word."""
    done = [0]

    def stop() -> bool:
        done[0] += 1
        if done[0] == steps and ending:
            raise ending
        return done[0] == steps

    return stop


@pytest.fixture
def attempt(tmp_path: Path, cache: Path) -> Callable[..., tuple[dict[str, torch.Tensor], Tally]]:
    """Train as the next attempt at a job; return its weights and its sums."""
    torch.use_deterministic_algorithms(True)
    numbers = iter(range(1, 100))

    def go(config: JobConfig, stop: Callable[[], bool], folder: str = "job") -> tuple[dict[str, torch.Tensor], Tally]:
        source = source_of.open_source(config, None, cache)
        tried = Attempt(JobDir(tmp_path / folder), next(numbers))
        tried.path.mkdir(parents=True)
        crops, watched = source_of.training_crops(config, source), source_of.test_crops(config, source)
        test = Test(config, watched, source_of.ground_of(config, source), CPU)
        trained = trained_network(Training(config, crops, test, tried, CPU, Progress(tried.progress), stop))
        return dict(trained.model.state_dict()), trained.tally

    return go


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, right[name]) for name, value in left.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tasked_training_that_is_killed_and_stopped_ends_with_the_same_bits(
    name: str, attempt: Callable[..., tuple[dict[str, torch.Tensor], Tally]]
) -> None:
    config = job(NETWORKS[name], phases=TASKS)
    whole, sums = attempt(config, never, "undisturbed")
    draw = np.random.default_rng(sum(map(ord, name)))
    for _ in range(4):
        steps, ending = int(draw.integers(1, 5)), Killed if draw.random() < 0.5 else None
        with pytest.raises(Killed if ending else Stopped):
            attempt(config, after(steps, ending))
    parts, again = attempt(config, never)
    assert same(whole, parts)
    assert (again.samples, again.steps, again.loss) == (sums.samples, sums.steps, sums.loss)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("task", "learns"), [(0, "pose"), (1, "masks")])
def test_nothing_frozen_changes_by_a_bit(
    name: str, task: int, learns: str, attempt: Callable[..., tuple[dict[str, torch.Tensor], Tally]]
) -> None:
    def masks(state: dict[str, torch.Tensor], of_masks: bool) -> dict[str, torch.Tensor]:
        mine = {"acnn": "mask_layers.", "mrn": "attention."}[name]
        return {key: value for key, value in state.items() if key.startswith(mine) == of_masks}

    first, both = (job(NETWORKS[name], phases=TASKS[:count]) for count in (1, 2))
    fresh = {key: value.clone() for key, value in initial_network(first, CPU).state_dict().items()}
    before, _ = attempt(first, never, "first")
    after, _ = attempt(both, never, "both")
    start, end = ((fresh, before), (before, after))[task]
    assert same(masks(start, learns == "pose"), masks(end, learns == "pose"))
    assert not same(masks(start, learns == "masks"), masks(end, learns == "masks"))


def test_out_of_memory_at_32_finishes_as_2_times_16(
    attempt: Callable[..., tuple[dict[str, torch.Tensor], Tally]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = job({"name": "hrnet", "shrink": 0.125, "blocks": 1, "modules": [1, 1, 1]}, people=60, batch=32, epochs=1)
    asked: list[int] = []
    normalised = train.normalised

    def small_device(images: np.ndarray, device: torch.device) -> torch.Tensor:
        asked.append(len(images))
        if len(images) > 16:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return normalised(images, device)

    halves, _ = attempt(job(config.model.model_dump(), people=60, batch=32, epochs=1, accumulate=2), never, "asked for")
    monkeypatch.setattr(train, "normalised", small_device)
    found, tally = attempt(config, never)
    assert asked[:3] == [32, 16, 16]
    assert (tally.parts, tally.steps, tally.samples) == (2, 3, 70)  # 70 persons on 60 images
    assert same(halves, found)
    monkeypatch.setattr(train, "normalised", lambda images, device: small_device(np.repeat(images, 17, axis=0), device))
    with pytest.raises(torch.OutOfMemoryError):
        attempt(config, never, "hopeless")


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    attempt: Callable[..., tuple[dict[str, torch.Tensor], Tally]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = job(NETWORKS["acnn"], epochs=3)
    normalised, calls = train.normalised, [0]

    def spoilt(images: np.ndarray, device: torch.device) -> torch.Tensor:
        calls[0] += 1
        return normalised(images, device) * (float("nan") if calls[0] == 5 else 1.0)

    monkeypatch.setattr(train, "normalised", spoilt)
    with pytest.raises(NonFiniteLoss):
        attempt(config, never)
    (kept,) = tmp_path.glob("job/attempts/*/checkpoint.pt")
    state = torch.load(kept, weights_only=True)
    assert state["position"] == [1, 0]
    assert all(torch.isfinite(value).all() for value in state["model"].values())


def test_masks_stay_held_where_a_training_goes_on_after_its_last_epoch(
    attempt: Callable[..., tuple[dict[str, torch.Tensor], Tally]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[torch.nn.Module] = []

    def kept(config: JobConfig, device: torch.device) -> torch.nn.Module:
        made.append(initial_network(config, device))
        return made[-1]

    monkeypatch.setattr(training_of, "initial_network", kept)
    config = job(NETWORKS["acnn"], phases=TASKS[:1])
    whole, _ = attempt(config, never)
    again, _ = attempt(config, never)
    assert same(whole, again)
    assert [model.masks for model in made] == ["ones", "ones"]
