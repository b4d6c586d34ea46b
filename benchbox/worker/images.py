"""Predict the people of any images with the network of a result, and draw what it predicts and looks at."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from benchbox.config import JobConfig
from benchbox.datasets.image import is_turned, read_image
from benchbox.datasets.topdown import TopDown
from benchbox.errors import CannotJudge, InvalidInput
from benchbox.files import write_whole
from benchbox.jobdir import JobDir
from benchbox.options.attention import AttentionOptions
from benchbox.pictures.maps import attention_picture, heatmaps_picture
from benchbox.pictures.people import people_picture
from benchbox.pose.people import Person
from benchbox.worker.looks import attention_modules, heatmaps, panels
from benchbox.worker.network import result_network
from benchbox.worker.predict import EVALUATION_BATCH, joints_of
from benchbox.worker.run import check_precision, prepare_device
from benchbox.worker.source import crops_of, skeleton_of


@dataclass(frozen=True)
class Asked:
    """What is to be predicted and drawn.

    images: files. boxes: x, y, width, height of people in the pixels of each image; without any the whole image is one
    person's box. kinds: of pictures, of `PICTURES`. folder: for them. format: png or svg.
    """

    images: Sequence[str]
    boxes: Sequence[Sequence[float]]
    kinds: Sequence[str]
    folder: str
    format: str = "png"


@dataclass(frozen=True)
class Predicted:
    """The people of all images as a network sees them, in order, and what it predicts for them.

    points: (N, K, 2) float32 x, y in pixels of the images; confidences: (N, K) float32.
    """

    config: JobConfig
    model: nn.Module
    device: torch.device
    crops: TopDown
    points: np.ndarray
    confidences: np.ndarray


def predict_images(results: Path, job: str, asked: Asked) -> dict[str, Any]:
    """Predict people as the job's evaluation does, to the bit, and write the pictures.

    Returns: joints, their names; rows, one for each person: image, box, keypoints (K lists of x, y, in pixels of the
        image with zero-based pixel centres, and confidence), files by kind of picture.

    Raises:
        CannotJudge: the job has no result, or one without weights.
        InvalidInput: an image or a box that cannot be used, no attention where it is asked for, damaged weights.
        EnvironmentProblem: the device does not compute in the job's precision, or the folder cannot be written.
    """
    folder = JobDir.of(results, job)
    result = folder.result()
    if result is None:
        raise CannotJudge(f"job {job}: has no result yet")
    config = folder.read()
    people = [person for image in asked.images for person in _people(Path(image), asked.boxes, config)]
    device = prepare_device(deterministic=config.train.deterministic)
    check_precision(config, device)
    model = result_network(result, config, device)
    if "attention" in asked.kinds and not attention_modules(model):
        raise InvalidInput(f"--show attention: {_without_attention(job, config)}; known: skeleton, heatmaps")
    predicted = _predicted(config, model, device, people)
    files = _draw(predicted, asked)
    rows = [
        {
            "image": str(person.image),
            "box": list(person.box),
            "keypoints": np.c_[points, confidences].astype(float).tolist(),
            "files": files[str(person.image)],
        }
        for person, points, confidences in zip(people, predicted.points, predicted.confidences, strict=True)
    ]
    turned = [image for image in dict.fromkeys(asked.images) if is_turned(Path(image))]
    return {"joints": list(predicted.crops.skeleton.joints), "rows": rows, "turned": turned}


def _without_attention(job: str, config: JobConfig) -> str:
    if isinstance(config.model, AttentionOptions) and config.model.places():
        return f'"{config.model.attention}" has no method gates, which tells its weights'
    return f"the network of job {job} has none"


def _people(path: Path, boxes: Sequence[Sequence[float]], config: JobConfig) -> list[Person]:
    """Return the people of an image as the evaluation would have them."""
    height, width = read_image(path).shape[:2]
    unknown = np.zeros((len(skeleton_of(config).joints), 3), np.float32)
    people = []
    for x, y, wide, high in boxes or [(0.0, 0.0, float(width), float(height))]:
        text = ",".join(f"{number:g}" for number in (x, y, wide, high))
        if not (math.isfinite(x + y + wide + high) and wide > 0 and high > 0):
            raise InvalidInput(f"--box {text}: width and height must be above 0, and all four finite")
        if x >= width or y >= height or x + wide <= 0 or y + high <= 0:
            raise InvalidInput(f"--box {text}: lies outside {path}, which has {width} x {height} pixels")
        people.append(Person(0, 0, path, (x, y, wide, high), unknown, wide * high))
    return people


def _predicted(config: JobConfig, model: nn.Module, device: torch.device, people: Sequence[Person]) -> Predicted:
    """Predict people in batches of the evaluation's size: in one of another size sums may have another order."""
    missing = -len(people) % EVALUATION_BATCH
    points, confidences = joints_of(model, crops_of(config, [*people, *[people[-1]] * missing]), config, device)
    crops, count = crops_of(config, list(people)), len(people)
    return Predicted(config, model, device, crops, points[:count], confidences[:count])


def _draw(predicted: Predicted, asked: Asked) -> dict[str, dict[str, str]]:
    """Write the pictures of every image; return their files by image and kind."""
    crops, stems = predicted.crops, Counter[str]()
    indices: dict[str, list[int]] = {}
    for index, person in enumerate(crops.people):
        indices.setdefault(str(person.image), []).append(index)
    written: dict[str, dict[str, str]] = {image: {} for image in indices}
    for image, some in indices.items():
        stem = Path(image).stem
        stems[stem] += 1
        name = stem if stems[stem] == 1 else f"{stem}-{stems[stem]}"
        for kind in asked.kinds:
            picture = PICTURES[kind](predicted, some, asked.format)
            file = Path(asked.folder) / f"{name}-{kind}.{asked.format}"
            write_whole(file, picture)
            written[image][kind] = str(file)
    return written


def _skeleton(predicted: Predicted, some: Sequence[int], format: str) -> bytes:
    image = cv2.cvtColor(read_image(predicted.crops.people[some[0]].image), cv2.COLOR_BGR2RGB)
    people = [(predicted.points[index], predicted.confidences[index]) for index in some]
    return people_picture(image, predicted.crops.skeleton, people, format)


def _heatmaps(predicted: Predicted, some: Sequence[int], format: str) -> bytes:
    people = heatmaps(predicted.model, _only(predicted.crops, some), predicted.config, predicted.device)
    return heatmaps_picture(people, format)


def _attention(predicted: Predicted, some: Sequence[int], format: str) -> bytes:
    given = predicted.model, _only(predicted.crops, some), predicted.config, predicted.device
    people = panels(*given, predicted.points[some], predicted.confidences[some])
    return attention_picture(people, predicted.crops.skeleton, format)


def _only(crops: TopDown, some: Sequence[int]) -> TopDown:
    return replace(crops, people=[crops.people[index] for index in some])


PICTURES = {"skeleton": _skeleton, "heatmaps": _heatmaps, "attention": _attention}
