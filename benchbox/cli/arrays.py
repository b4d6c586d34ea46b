"""Predictions that come as an array, as the file that the worker reads."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchbox.errors import InvalidInput


@contextmanager
def as_file(
    predictions: Any, dataset: str, image_ids: Sequence[int] | None, scores: Sequence[float] | None
) -> Iterator[tuple[Path, int]]:
    """Give the file that holds predictions, and what its coordinates usually count from.

    Args: predictions: a file's path, or an array (N, K, 2 or 3); see `benchbox.api.score`.

    Raises: InvalidInput for an array that is none of these.
    """
    coco = dataset.partition(":")[0] == "coco"
    if isinstance(predictions, (str, os.PathLike)):
        if image_ids is not None or scores is not None:
            raise InvalidInput(f"{predictions}: image_ids and scores go with an array")
        yield Path(predictions), 1
        return
    people = _people(predictions)
    if coco:
        people = _results(people, image_ids, scores)
    elif image_ids is not None or scores is not None:
        raise InvalidInput(f"{dataset}: image_ids and scores go with coco; here persons stand in the truth's order")
    with tempfile.TemporaryDirectory(prefix="benchbox-") as folder:
        file = Path(folder) / "array.json"
        file.write_text(json.dumps(people), encoding="utf-8")
        yield file, 0


def _people(predictions: Any) -> list[Any]:
    shape, kind = getattr(predictions, "shape", None), getattr(getattr(predictions, "dtype", None), "kind", "")
    if shape is None or kind not in ("f", "i", "u") or len(shape) != 3 or shape[2] not in (2, 3):
        found = f"an array of {tuple(shape)}" if shape is not None else type(predictions).__name__
        raise InvalidInput(f"predictions: {found}, expected a file or numbers (N, K, 2) or (N, K, 3)")
    people: list[Any] = predictions.tolist()
    return people


def _results(
    people: list[Any], image_ids: Sequence[int] | None, scores: Sequence[float] | None
) -> list[dict[str, Any]]:
    """Return people as COCO's result file has them."""
    if image_ids is None:
        raise InvalidInput("predictions: an array for coco needs image_ids, the image of every person")
    certain = [1.0] * len(people) if scores is None else [float(one) for one in scores]
    if not len(people) == len(image_ids) == len(certain):
        counts = f"{len(people)} persons, {len(image_ids)} image_ids, {len(certain)} scores"
        raise InvalidInput(f"predictions: {counts}: must be as many")
    return [
        {
            "image_id": int(image),
            "category_id": 1,
            "keypoints": [number for point in person for number in ([*point, 1.0] if len(point) == 2 else point)],
            "score": score,
        }
        for person, image, score in zip(people, image_ids, certain, strict=True)
    ]
