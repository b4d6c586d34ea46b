"""Coordinate regression: its losses by hand, its flip test, and a network that learns."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from benchbox.datasets.topdown import TopDown
from benchbox.engine.coordinates import coordinate_loss, coordinate_mse, gaussian_maps, heatmap_loss
from benchbox.engine.loss import heatmap_mse
from benchbox.engine.predict import predict_coordinates
from benchbox.engine.train import train_epoch
from benchbox.models.initial import initialise
from benchbox.models.mrn import mrn
from benchbox.pose.people import Person
from benchbox.pose.points import image_points
from benchbox.pose.skeleton import MPII16

CPU = torch.device("cpu")


@pytest.fixture
def judged() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    weight = (rng.random((3, 4, 1)) < 0.7).astype(np.float32)
    assert 0 < weight.sum() < 12
    return torch.from_numpy(rng.random((3, 4, 2))), torch.from_numpy(rng.random((3, 4, 2))), torch.from_numpy(weight)


def test_the_loss_is_equation_8(judged) -> None:
    expected = 0.0
    for person in zip(*(part.numpy() for part in judged), strict=True):
        for (x, y), (u, v), (counts,) in zip(*person, strict=True):
            expected += ((u - x) ** 2 + (v - y) ** 2) * counts / 3
    assert coordinate_mse(*judged).item() == pytest.approx(expected, rel=1e-12)


def maps_by_hand(target: np.ndarray, weight: np.ndarray, height: int, width: int, sigma: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    maps = np.zeros((*target.shape[:2], height, width))
    for n, k in np.ndindex(*target.shape[:2]):
        x, y = target[n, k] * (width, height)
        maps[n, k] = weight[n, k] * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return maps


@pytest.mark.parametrize("several", [False, True])
def test_auxiliary_heatmaps_are_judged_against_gaussians(judged, several: bool) -> None:
    _, target, weight = judged
    wanted = maps_by_hand(target.numpy(), weight.numpy(), 8, 6, 1.5)
    found = gaussian_maps(target, weight, size=(8, 6), sigma=1.5)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=1e-6)
    heatmaps = np.random.default_rng(1).random((3, 2, 4 if several else 1, 8, 6))
    if several:
        difference = (heatmaps - wanted[:, None]) * weight.numpy()[:, None, :, :, None]
    else:
        difference = heatmaps - wanted.max(axis=1)[:, None, None]
    expected = sum((difference[:, stack] ** 2).mean() for stack in range(2))
    loss = heatmap_loss(torch.from_numpy(heatmaps), target, weight, sigma=1.5).item()
    assert loss == pytest.approx(expected, rel=1e-6)
    outputs = [judged[0], torch.from_numpy(heatmaps)]
    together = coordinate_loss(outputs, target, weight, auxiliary=0.3, sigma=1.5).item()
    assert together == pytest.approx(coordinate_mse(*judged).item() + 0.3 * loss, rel=1e-6)
    assert coordinate_loss(outputs, target, weight).item() == coordinate_mse(*judged).item()


def test_auxiliary_heatmaps_must_be_there(judged) -> None:
    with pytest.raises(ValueError, match="returns none"):
        coordinate_loss(judged[:1], *judged[1:], auxiliary=0.1)


class Fixed(nn.Module):
    """A network whose outputs, in training mode a tuple, are its weights."""

    def __init__(self, *outputs: np.ndarray) -> None:
        super().__init__()
        self.outputs = nn.ParameterList(nn.Parameter(torch.from_numpy(output.copy())) for output in outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...] | torch.Tensor:
        return tuple(self.outputs) if self.training else self.outputs[-1]


def first_loss(model: nn.Module, targets: np.ndarray, weights: np.ndarray, **options: object) -> float:
    images = np.zeros((len(targets), 16, 16, 3), np.uint8)
    optimizer = torch.optim.SGD(model.parameters())
    return next(train_epoch(model, optimizer, [(images, targets, weights)], rate=1.0, device=CPU, **options)).loss


def test_the_losses_of_all_stacks_are_added() -> None:
    rng = np.random.default_rng(0)
    first, second, target = rng.random((3, 2, 4, 5, 6), dtype=np.float32)
    weight = np.float32([[1, 0, 1, 1], [1, 1, 0, 1]])[..., None]
    model = Fixed(first, second)
    expected = [0.5 * (((output - target) * weight[..., None]) ** 2).mean() for output in (first, second)]
    assert first_loss(model, target, weight) == pytest.approx(sum(expected), rel=1e-6)
    gradient = (second - target) * weight[..., None] ** 2 / second.size
    np.testing.assert_allclose(second - model.outputs[1].detach().numpy(), gradient, rtol=0, atol=1e-6)


def test_a_single_output_is_judged_as_ever() -> None:
    rng = np.random.default_rng(0)
    output, target = rng.random((2, 2, 4, 5, 6), dtype=np.float32)
    weight = np.ones((2, 4, 1), np.float32)
    expected = heatmap_mse(*(torch.from_numpy(part) for part in (output, target, weight))).item()
    assert first_loss(Fixed(output), target, weight) == expected


def test_training_takes_coordinates_and_their_heatmaps() -> None:
    rng = np.random.default_rng(0)
    output, target = rng.random((2, 2, 4, 2), dtype=np.float32)
    weight, maps = np.float32(rng.random((2, 4, 1)) < 0.6), rng.random((2, 3, 1, 4, 5), dtype=np.float32)
    plain = (((output - target) ** 2) * weight).sum() / 2
    assert first_loss(Fixed(output), target, weight, loss="coordinates") == pytest.approx(plain, rel=1e-6)
    wanted = maps_by_hand(target, weight, 4, 5, 0.7).max(axis=1)
    extra = ((maps[:, :, 0] - wanted[:, None]) ** 2).mean(axis=(0, 2, 3)).sum()
    found = first_loss(Fixed(output, maps), target, weight, loss="coordinates", auxiliary=0.1, sigma=0.7)
    assert found == pytest.approx(plain + 0.1 * extra, rel=1e-6)


class Brightest(nn.Module):
    """Finds its two joints exactly: the brightest pixel of the red channel, and of the blue one."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        place = x[:, [0, 2]].flatten(2).argmax(2)
        return torch.stack([place % width / width, place // width / height], dim=2)


def test_the_flip_test_is_the_mean_of_both_views() -> None:
    """A wrist is red where it is the left one, blue where it is the right one; in a mirrored image it is the other."""
    images = np.zeros((1, 32, 48, 3), np.uint8)
    images[0, 10, 7, 0] = images[0, 20, 40, 2] = 255
    exact = [[[7, 10], [40, 20]]]
    options = {"device": CPU, "flip_pairs": [(0, 1)]}
    found = predict_coordinates(Brightest(), images, flip_test=False, **options)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-4)
    # this one knows colours and not sides: mirrored, it still calls the red one the first
    both = predict_coordinates(Brightest(), images, flip_test=True, flip_pairs=[], device=CPU)
    np.testing.assert_allclose(both, exact, rtol=0, atol=1e-4)
    crossed = predict_coordinates(Brightest(), images, flip_test=True, **options)
    np.testing.assert_allclose(crossed, [[[23.5, 15], [23.5, 15]]], rtol=0, atol=1e-4)


@pytest.mark.studies
def test_a_network_learns_the_joints_of_eight_people(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    people = []
    for number in range(8):
        points = rng.uniform((20, 20), (76, 92), (16, 2))
        image = rng.integers(0, 40, (112, 96, 3), dtype=np.uint8)
        for joint, (x, y) in enumerate(points):
            cv2.circle(image, (round(x), round(y)), 3, (255 - 15 * joint, 15 * joint, 200 * (joint % 2)), -1)
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), image)
        keypoints = np.column_stack([points, np.full(16, 2)])
        people.append(Person(number, number, path, (16.0, 16.0, 64.0, 80.0), keypoints, 5000.0))
    crops = TopDown(people, MPII16, (64, 64), (16, 16), 1.0, target="coordinates")
    model = mrn(joints=16, input=(64, 64), shrink=0.0625, auxiliary=True)
    initialise(model, 0, scheme="he")
    optimizer = torch.optim.Adam(model.parameters())
    losses = []
    for epoch in range(150):
        rate = 1e-2 if epoch < 110 else 1e-3
        batches, options = crops.training_batches(epoch, 8), {"loss": "coordinates", "auxiliary": 0.1}
        losses += [step.loss for step in train_epoch(model, optimizer, batches, rate=rate, device=CPU, **options)]
    (batch,) = crops.evaluation_batches(8)
    found = predict_coordinates(model, batch.images, device=CPU, flip_test=False, flip_pairs=MPII16.flip_pairs)
    found = image_points(found, batch.center, batch.scale, size=(64, 64))
    joints = np.stack([person.keypoints[:, :2] for person in people])
    error, guess = (np.abs(points - joints).mean() for points in (found, joints.mean(axis=0)))
    assert losses[-1] < 0.05 * losses[0]
    assert error < 0.2 * guess, (error, guess, losses[::10])
