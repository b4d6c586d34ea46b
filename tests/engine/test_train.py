"""Training: the loss, mini-batches in parts, and a training that goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchbox.engine import checkpoint
from benchbox.engine.normalise import MEAN, STD, normalised
from benchbox.engine.predict import predict
from benchbox.engine.train import NonFiniteLoss, split, train_epoch

CPU = torch.device("cpu")


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=4, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))


def batches(count: int = 6) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    for _ in range(count):
        images = draw.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
        targets = (images / np.float32(255)).mean(axis=3)[:, None, ::4, ::4].repeat(2, axis=1)
        yield images, np.ascontiguousarray(targets), np.ones((4, 2, 1), np.float32)


def test_training_learns() -> None:
    model = small()
    optimizer = torch.optim.Adam(model.parameters())
    losses = [step.loss for step in train_epoch(model, optimizer, batches(200), rate=1e-2, device=CPU)]
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])


@pytest.mark.parametrize("loss", ["unweighted-mse", "hardest-mse"])
def test_the_loss_is_the_one_asked_for(loss: str) -> None:
    def first(name: str) -> float:
        model, (images, targets, weights) = small(), next(batches())
        wide = np.repeat(targets, 8, axis=1), np.repeat(weights, 8, axis=1)
        wide[1][:, ::2] = 0
        model[3] = nn.Conv2d(4, 16, 1)
        optimizer = torch.optim.Adam(model.parameters())
        return next(train_epoch(model, optimizer, [(images, *wide)], rate=1e-2, device=CPU, loss=name)).loss

    assert first(loss) > first("mse") > 0


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    model = small()
    images, targets, weights = next(batches())
    targets[0, 0, 0, 0] = np.nan
    with pytest.raises(NonFiniteLoss):
        list(train_epoch(model, torch.optim.Adam(model.parameters()), [(images, targets, weights)], rate=1, device=CPU))


def test_a_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = small()
    list(train_epoch(whole, torch.optim.Adam(whole.parameters(), fused=True), batches(), rate=1e-2, device=CPU))
    first, data = small(), list(batches())
    optimizer = torch.optim.Adam(first.parameters(), fused=True)
    list(train_epoch(first, optimizer, data[:2], rate=1e-2, device=CPU))
    file = tmp_path / "checkpoint.pt"
    checkpoint.save(file, first, optimizer, position=(0, 2), tally={"samples": 8}, source="abc")
    second = small()
    optimizer = torch.optim.Adam(second.parameters(), fused=True)
    torch.manual_seed(7)
    drawn = torch.rand(3)
    saved = checkpoint.load(file, second, source="abc")
    assert saved is not None
    assert (saved.position, saved.tally) == ((0, 2), {"samples": 8})
    assert not torch.equal(torch.rand(3), drawn)
    optimizer.load_state_dict(saved.optimizer)
    list(train_epoch(second, optimizer, data[2:], rate=1e-2, device=CPU))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert [entry.name for entry in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "spoil", [lambda data: b"", lambda data: data[:100], lambda data: data[:-50], lambda data: b"x" * 99]
)
def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path: Path, spoil: object) -> None:
    model, file = small(), tmp_path / "checkpoint.pt"
    optimizer = torch.optim.Adam(model.parameters())
    checkpoint.save(file, model, optimizer, position=(1, 0), tally={}, source="abc")
    assert checkpoint.load(file, model, source="other") is None
    file.write_bytes(spoil(file.read_bytes()))  # type: ignore[operator]
    assert checkpoint.load(file, model, source="abc") is None


def test_the_last_two_checkpoints_are_kept_and_the_older_one_stands_in(tmp_path: Path) -> None:
    model, file = small(), tmp_path / "checkpoint.pt"
    optimizer = torch.optim.Adam(model.parameters())
    kept = []
    for epoch in (1, 2, 3):
        with torch.no_grad():
            model[0].weight.fill_(epoch)
        checkpoint.save(file, model, optimizer, position=(epoch, 0), tally={}, source="abc")
        kept.append(sorted(entry.name for entry in tmp_path.iterdir()))
    assert kept == [["checkpoint.pt"], *[["checkpoint.before.pt", "checkpoint.pt"]] * 2]
    file.write_bytes(file.read_bytes()[:-50])
    saved = checkpoint.load(file, model, source="abc")
    assert saved is not None
    assert saved.position == (2, 0)
    assert model[0].weight.unique().tolist() == [2.0]
    checkpoint.remove(file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("samples", "parts", "sizes"),
    [(32, 1, [32]), (32, 2, [16, 16]), (12, 3, [4, 4, 4]), (7, 2, [4, 3]), (3, 2, [3]), (5, 4, [2, 3]), (2, 4, [2])],
)
def test_a_batch_in_parts_is_the_batch(samples: int, parts: int, sizes: list[int]) -> None:
    batch = tuple(np.arange(samples) + offset for offset in (0, 100, 200))
    found = list(split(batch, parts))  # type: ignore[arg-type]
    assert [len(part[0]) for part in found] == sizes
    for place, whole in enumerate(batch):
        np.testing.assert_array_equal(np.concatenate([part[place] for part in found]), whole)


def test_gradients_of_parts_add_up_to_those_of_the_batch() -> None:
    def trained(parts: int) -> torch.Tensor:
        model = small()
        model[1] = nn.Identity()  # batch norm is what sees the parts
        optimizer = torch.optim.SGD(model.parameters())
        (step,) = train_epoch(model, optimizer, batches(1), rate=1.0, device=CPU, parts=parts, activity=0.5)
        losses.append(step.loss)
        assert step.samples == 4
        return model[0].weight.detach()

    losses: list[float] = []
    torch.testing.assert_close(trained(2), trained(1))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_activity_is_the_sum_of_squared_outputs_of_every_convolution() -> None:
    def first(activity: float) -> float:
        model = small()
        optimizer = torch.optim.SGD(model.parameters())
        (step,) = train_epoch(model, optimizer, batches(1), rate=1.0, device=CPU, activity=activity)
        return step.loss

    model, (images, _, _) = small(), next(batches(1))
    inner = model[0](normalised(images, CPU))
    squares = (inner.square().sum() + model(normalised(images, CPU)).square().sum()).item() / len(images)
    assert first(0.25) - first(0.0) == pytest.approx(0.25 * squares, rel=1e-4)


def test_the_flip_test_is_the_mean_of_both_views() -> None:
    model = nn.Conv2d(3, 2, 1, stride=4).eval()
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    plain = predict(model, images, device=CPU, flip_test=False, flip_shift=False, flip_pairs=[(0, 1)])
    both = predict(model, images, device=CPU, flip_test=True, flip_shift=False, flip_pairs=[(0, 1)])
    mirrored = predict(model, images[:, :, ::-1].copy(), device=CPU, flip_test=False, flip_shift=False, flip_pairs=[])
    assert np.allclose(both, (plain + mirrored[:, ::-1, :, ::-1]) / 2, atol=1e-6)
    shifted = predict(model, images, device=CPU, flip_test=True, flip_shift=True, flip_pairs=[(0, 1)])
    assert not np.allclose(shifted, both)


def test_bytes_become_what_numpy_makes_of_them() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    found = normalised(every, CPU)
    assert found.is_contiguous(memory_format=torch.channels_last)
    exact = (every / 255 - MEAN) / STD
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), exact, rtol=0, atol=1e-6)
    rounded = every.astype(np.float32) * (1 / (255 * STD)).astype(np.float32) + (-MEAN / STD).astype(np.float32)
    np.testing.assert_array_equal(found.permute(0, 2, 3, 1).numpy(), rounded)
