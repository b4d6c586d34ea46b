"""From people to crops: the samples of top-down training and testing, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchbox.errors import InvalidInput
from benchbox.pose import affine, augment, heatmap
from benchbox.pose.people import Person
from benchbox.pose.skeleton import Skeleton, mirror_order

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, RGB in [0, 1]; the official code's too."""
FACTOR, OFFSET = 1 / (255 * STD), -MEAN / STD

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class EvaluationBatch:
    """Crops to predict: images (B, 3, H, W) float32, center and scale (B, 2), places in the list of people (B,)."""

    images: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    indices: np.ndarray


@dataclass(frozen=True)
class TopDown:
    """Cut people out of their images, one crop each.

    Args:
        people: who is cut out. skeleton: of their keypoints.
        input_size, heatmap_size: (height, width) in pixels and in cells. sigma: of the targets, in cells.
        rotate, rescale, flip_probability, half_body_probability: see `augment.draw`.
        seed: of order and augmentation. colour: order of the channels, rgb or bgr.
    """

    people: Sequence[Person]
    skeleton: Skeleton
    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    sigma: float
    rotate: float
    rescale: float
    flip_probability: float
    half_body_probability: float
    seed: int
    colour: str = "rgb"

    def order(self, epoch: int) -> np.ndarray:
        """Return the order (N,) int64 in which an epoch sees the people; it depends on (seed, epoch) only."""
        return np.argsort(_generator(self.seed, epoch, 0, stream=0).random(len(self.people)), kind="stable")

    def training_batches(self, epoch: int, batch: int, start: int = 0) -> Iterator[Batch]:
        """Yield an epoch's batches from number `start` on; a last one of a single sample is left out.

        Batch norm cannot learn from one sample.
        """
        order = self.order(epoch)
        for first in range(start * batch, len(order), batch):
            chosen = order[first : first + batch]
            if len(chosen) > 1:
                images, targets, weights = zip(*(self.training_sample(int(i), epoch) for i in chosen), strict=True)
                yield np.stack(images), np.stack(targets), np.stack(weights)

    def training_sample(self, index: int, epoch: int) -> Batch:
        """Return one augmented sample; its draws depend on (seed, epoch, the person's id) only.

        Returns: image (3, H, W), target (K, h, w) and weight (K, 1), all float32.
        """
        person = self.people[index]
        draws = augment.draw(
            _generator(self.seed, epoch, person.id, stream=1),
            rotate=self.rotate,
            rescale=self.rescale,
            flip_probability=self.flip_probability,
            half_body_probability=self.half_body_probability,
        )
        image = read_image(person)
        matrix = self._augmented(person, draws, width=image.shape[1])
        order = mirror_order(len(person.keypoints), self.skeleton.flip_pairs) if draws.flip else slice(None)
        keypoints = person.keypoints[order]
        joints = affine.transform_points(keypoints[:, :2], matrix)
        height, width = self.heatmap_size
        target, weight = heatmap.gaussian_targets(
            joints,
            keypoints[:, 2],
            heatmap_size=self.heatmap_size,
            stride=(self.input_size[1] / width, self.input_size[0] / height),
            sigma=self.sigma,
        )
        return self._normalised(affine.crop(image, matrix, self.input_size)), target, weight

    def evaluation_batches(self, batch: int) -> Iterator[EvaluationBatch]:
        """Yield everybody once, in order, as they stand in their boxes."""
        for first in range(0, len(self.people), batch):
            some = self.people[first : first + batch]
            boxes = np.array([person.box for person in some])
            center, scale = affine.box_to_center_scale(boxes, aspect_ratio=self._aspect)
            crops = [
                affine.crop(read_image(person), affine.crop_matrix(c, s, 0.0, self.input_size), self.input_size)
                for person, c, s in zip(some, center, scale, strict=True)
            ]
            images = np.stack([self._normalised(crop) for crop in crops])
            yield EvaluationBatch(images, center, scale, np.arange(first, first + len(some)))

    @property
    def _aspect(self) -> float:
        return self.input_size[1] / self.input_size[0]

    def _augmented(self, person: Person, draws: augment.Draws, *, width: int) -> np.ndarray:
        """Return the (2, 3) map from the image to the changed crop; a mirror is part of it, so one warp does all."""
        boxes = np.array([person.box])
        center, scale = (part[0] for part in affine.box_to_center_scale(boxes, aspect_ratio=self._aspect))
        visible = person.keypoints[:, 2] > 0
        if draws.half_body and visible.sum() > augment.HALF_BODY_JOINTS:
            half = augment.half_body(
                person.keypoints,
                visible,
                upper_body=self.skeleton.upper_body,
                prefer_upper=draws.upper,
                aspect_ratio=self._aspect,
            )
            center, scale = half or (center, scale)
        if not draws.flip:
            return affine.crop_matrix(center, scale * draws.scale, draws.rotation, self.input_size)
        mirrored = np.array([width - 1 - center[0], center[1]])
        matrix = affine.crop_matrix(mirrored, scale * draws.scale, draws.rotation, self.input_size)
        return np.column_stack([-matrix[:, 0], matrix[:, 1], matrix[:, 2] + matrix[:, 0] * (width - 1)])

    def _normalised(self, crop: np.ndarray) -> np.ndarray:
        coloured = crop[:, :, ::-1] if self.colour == "rgb" else crop
        return np.ascontiguousarray((coloured * FACTOR + OFFSET).astype(np.float32).transpose(2, 0, 1))


def read_image(person: Person) -> np.ndarray:
    """Read a person's image as (H, W, 3) uint8, BGR, its orientation tag ignored as the annotations do.

    Raises: InvalidInput naming the file.
    """
    image = cv2.imread(str(person.image), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        why = "cannot be read as an image" if person.image.exists() else "no such image"
        raise InvalidInput(f"{person.image}: {why} (person {person.id})")
    return image


def _generator(seed: int, epoch: int, person: int, *, stream: int) -> np.random.Generator:
    """Return the generator of one (seed, epoch, person): a counter-based one, keyed, nothing carried over."""
    key = np.array([seed, person], np.uint64)
    counter = np.array([0, stream, epoch, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
