"""Turn people into the crops a top-down network sees: for training with random changes, for evaluation without.

Images stay the bytes they are, a quarter of what floats would move; the network's side normalises them.
Which changes a sample gets depends on (seed, epoch, person id) alone, the order on (seed, epoch): neither the number of
workers nor the place in a batch moves a number. Both are frozen, tests hold their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from benchbox.datasets.image import read_image
from benchbox.errors import InvalidInput, nearest
from benchbox.pose.affine import box_to_center_scale, crop_matrix, transform_points
from benchbox.pose.augment import HALF_BODY_JOINTS, Draws, draw, flip_points, half_body
from benchbox.pose.crop import Cropper, Part
from benchbox.pose.heatmap import gaussian_targets
from benchbox.pose.people import Person
from benchbox.pose.points import coordinate_targets
from benchbox.pose.skeleton import Skeleton
from benchbox.pose.udp import check_coordinates, udp_matrix, udp_stride

_ORDER_STREAM, _DRAW_STREAM = 1, 2
TARGETS = ("heatmap", "coordinates")
_SMALLEST_SCALE = 1 / 200  # one pixel: a box without extent has no crop


class Batch(NamedTuple):
    """Hold training samples.

    images (B, H, W, 3) uint8; targets (B, K, h, w) heatmaps or (B, K, 2) coordinates, and weights (B, K, 1), float32.
    """

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


class Share(NamedTuple):
    """Hold one process's samples of a `Batch`, and how many samples the whole batch has."""

    images: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    whole: int


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationBatch:
    """Hold crops and where they come from.

    images (B, H, W, 3) uint8; center (B, 2) in image pixels and scale (B, 2) in 200 pixels, float32; indices (B,)
    into `people`.
    """

    images: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    indices: np.ndarray


class Pictures(Protocol):
    """Hold the part of its image that a person's training crops mostly reach, for N people."""

    def __len__(self) -> int: ...

    def part(self, index: int) -> Part | None:
        """Return the part for a person; None where it is not at hand."""


@dataclass(frozen=True, eq=False)
class TopDown:
    """Make network inputs and targets from people.

    Args:
        people: N people.
        skeleton: their joints.
        input_size: (height, width) of the crops in pixels.
        heatmap_size: (height, width) of the targets in cells.
        sigma: of the targets in cells.
        rotate: standard deviation of the rotation in degrees.
        rescale: standard deviation of the scale factor.
        flip_probability: of a mirrored sample.
        half_body_probability: of a half-body crop, for people with more than 8 visible joints.
        seed: of order and changes.
        colour: order of the channels, rgb or bgr.
        coordinates: of crops and targets, official or udp (`benchbox.pose.udp`); predictions are to be decoded alike.
        target: heatmap, or coordinates for x, y as fractions of the crop (`coordinate_targets`).
        pictures: parts of the images for training samples, which they do not change; None for the image files.
    """

    people: Sequence[Person]
    skeleton: Skeleton
    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    sigma: float
    rotate: float = 0.0
    rescale: float = 0.0
    flip_probability: float = 0.0
    half_body_probability: float = 0.0
    seed: int = 0
    colour: str = "rgb"
    coordinates: str = "official"
    target: str = "heatmap"
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        if self.colour not in ("rgb", "bgr"):
            raise InvalidInput(f'colour = "{self.colour}"{nearest(self.colour, ("rgb", "bgr"))}')
        check_coordinates(self.coordinates)
        if self.target not in TARGETS:
            raise InvalidInput(f'target = "{self.target}"{nearest(self.target, TARGETS)}')
        if self.pictures is not None and len(self.pictures) != len(self.people):
            raise ValueError(f"pictures of {len(self.pictures)} people for {len(self.people)}")

    def order(self, epoch: int) -> np.ndarray:
        """Return the (N,) indices of the people in the order of an epoch."""
        keys = _Stream(self.seed, _ORDER_STREAM).at(epoch, 0).random(len(self.people))
        return np.argsort(keys, kind="stable")

    def draws(self, index: int, epoch: int) -> Draws:
        """Return the random changes that a person gets in an epoch."""
        return draw(
            self._draws.at(epoch, self.people[index].id),
            rotate=self.rotate,
            rescale=self.rescale,
            flip_probability=self.flip_probability,
            half_body_probability=self.half_body_probability,
        )

    @cached_property
    def _draws(self) -> _Stream:
        return _Stream(self.seed, _DRAW_STREAM)

    @cached_property
    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Center (N, 2) and scale (N, 2) float32 of every person's box, in the aspect ratio of the input."""
        boxes = np.array([person.box for person in self.people], dtype=np.float64).reshape(-1, 4)
        center, scale = box_to_center_scale(boxes, aspect_ratio=self._aspect_ratio)
        return center, np.maximum(scale, np.float32(_SMALLEST_SCALE))

    @cached_property
    def _visible(self) -> np.ndarray:
        """Whether each joint of everybody is labelled: (N, K) float32."""
        return np.array([person.keypoints[:, 2] > 0 for person in self.people], dtype=np.float32)

    def training_sample(self, index: int, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Make one changed sample.

        Args:
            index: of the person.
            epoch: from 0.

        Returns:
            image (H, W, 3) uint8; target (K, h, w) or (K, 2), weight (K, 1) float32.

        Raises:
            InvalidInput: the image cannot be read.
        """
        images, targets, weights = self._changed([index], epoch, Cropper(self.input_size))
        return images[0], targets[0], weights[0]

    def training_batches(
        self, epoch: int, batch: int, start: int = 0, share: tuple[int, int] = (0, 1)
    ) -> Iterator[Batch | Share]:
        """Yield the batches of an epoch; a last one of a single sample is dropped (batch norm needs two).

        Args:
            epoch: from 0.
            batch: samples in a batch, at least 1.
            start: batches to leave out at the beginning, to go on where a run stopped.
            share: (rank, size) of one of several processes. It gets neighbouring samples of each batch, as many as the
                others or one more; all of a last batch that does not give everybody two.
        """
        rank, size = share
        order = self.order(epoch)
        cropper = Cropper(self.input_size)
        for begin in range(start * batch, len(order), batch):
            indices = order[begin : begin + batch].tolist()
            if len(indices) < min(batch, 2):
                return
            whole = len(indices)
            if whole >= 2 * size:
                indices = indices[whole * rank // size : whole * (rank + 1) // size]
            made = self._changed(indices, epoch, cropper)
            yield made if size == 1 else Share(*made, whole)

    def evaluation_batches(self, batch: int, share: tuple[int, int] = (0, 1)) -> Iterator[EvaluationBatch]:
        """Yield everybody's unchanged crop in order; neighbours in one image share its decoding.

        Args:
            batch: crops in a batch, the last may have fewer.
            share: (rank, size) of one of several processes, which take turns at the batches.
        """
        rank, size = share
        center, scale = self.frames
        cropper = Cropper(self.input_size)
        path, image = None, np.empty((0, 0, 3), dtype=np.uint8)
        for begin in range(rank * batch, len(self.people), size * batch):
            indices = range(begin, min(begin + batch, len(self.people)))
            images = np.empty((len(indices), *self.input_size, 3), dtype=np.uint8)
            for place, index in enumerate(indices):
                if self.people[index].image != path:
                    path = self.people[index].image
                    image = read_image(path)
                cropper.crop(image, self.crop_matrix(index), reverse=self.colour == "rgb", out=images[place])
            yield EvaluationBatch(images, center[indices], scale[indices], np.array(indices))

    def crop_matrix(self, index: int) -> np.ndarray:
        """Return the (2, 3) map from the image to a person's unchanged crop."""
        center, scale = self.frames
        return self._matrix(center[index], scale[index], 0.0)

    @property
    def _aspect_ratio(self) -> float:
        return self.input_size[1] / self.input_size[0]

    @property
    def _stride(self) -> tuple[float, float]:
        """Input pixels per cell along x and y."""
        if self.coordinates == "udp":
            return udp_stride(self.input_size, self.heatmap_size)
        return self.input_size[1] / self.heatmap_size[1], self.input_size[0] / self.heatmap_size[0]

    def _matrix(self, center: np.ndarray, scale: np.ndarray, rotation: float) -> np.ndarray:
        """Return the (2, 3) map from the image to the crop of a box."""
        matrix = udp_matrix if self.coordinates == "udp" else crop_matrix
        return matrix(center, scale, rotation, self.input_size)

    def _frame(
        self, index: int, draws: Draws, joints: np.ndarray, visible: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return center (2,) and scale (2,) of a training sample before scaling: the person's box or half a body."""
        if draws.half_body and visible.sum() > HALF_BODY_JOINTS:
            half = half_body(
                joints,
                visible,
                upper_body=self.skeleton.upper_body,
                prefer_upper=draws.upper,
                aspect_ratio=self._aspect_ratio,
            )
            if half is not None:
                return half[0], np.maximum(half[1], np.float32(_SMALLEST_SCALE))
        center, scale = self.frames
        return center[index], scale[index]

    def _changed(self, indices: Sequence[int], epoch: int, cropper: Cropper) -> Batch:
        """Make the changed samples of some people."""
        images = np.empty((len(indices), *self.input_size, 3), dtype=np.uint8)
        places = np.empty((len(indices), len(self.skeleton.joints), 2))
        labelled = np.empty(places.shape[:2], dtype=np.float32)
        every = [self.draws(index, epoch) for index in indices]
        for at, (index, draws) in enumerate(zip(indices, every, strict=True)):
            person = self.people[index]
            part = self._part(index)
            joints = person.keypoints[:, :2]
            visible = self._visible[index]
            center, scale = self._frame(index, draws, joints, visible)
            if draws.flip:
                joints, visible = flip_points(joints, visible, width=part.width, pairs=self.skeleton.flip_pairs)
                center = np.array([part.width - 1 - center[0], center[1]])
            matrix = self._matrix(center, scale * draws.scale, draws.rotation)
            how = {"mirrored": draws.flip, "reverse": self.colour == "rgb", "out": images[at]}
            if not cropper.crop_part(part, matrix, **how):
                cropper.crop(read_image(person.image), matrix, **how)
            places[at] = transform_points(joints, matrix)
            labelled[at] = visible
        return Batch(images, *self._targets(places, labelled))

    def _part(self, index: int) -> Part:
        """Return what is at hand of a person's image, else all of it."""
        part = None if self.pictures is None else self.pictures.part(index)
        if part is None:
            image = read_image(self.people[index].image)
            part = Part(image, 0, 0, *image.shape[:2])
        return part

    def _targets(self, places: np.ndarray, labelled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the targets and weights of joints at places (B, K, 2) of their crops, labelled (B, K)."""
        if self.target == "coordinates":
            return coordinate_targets(places, labelled, input_size=self.input_size)
        targets, weights = gaussian_targets(
            places.reshape(-1, 2),
            labelled.ravel(),
            heatmap_size=self.heatmap_size,
            stride=self._stride,
            sigma=self.sigma,
            subcell=self.coordinates == "udp",
        )
        people_joints = labelled.shape
        return targets.reshape(*people_joints, *self.heatmap_size), weights.reshape(*people_joints, 1)


class _Stream:
    """Random numbers of one purpose: every (epoch, person) has its own, and no two share one.

    One generator is set to the place of each; making a new one takes five times as long.
    """

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
        self._generator = np.random.Generator(self._bits)
        self._start = self._bits.state

    def at(self, epoch: int, person: int) -> np.random.Generator:
        """Return the generator at the beginning of a person's numbers; valid until the next call."""
        self._start["state"]["counter"] = np.array([0, 0, epoch, person], dtype=np.uint64)
        self._bits.state = self._start
        return self._generator
