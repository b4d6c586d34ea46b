"""Match records as lines of text: all that COCO's scores are computed from, and back to the same bits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchbox.metrics.coco_match import AREAS, THRESHOLDS, Matches
from benchbox.metrics.coco_truth import Truth

DIGITS = 12
_BITS = len(AREAS) * len(THRESHOLDS)
_WIDTH = 2 * -(-_BITS // 8)


@dataclass(frozen=True)
class Ground:
    """The annotated side, shared by all predictions that were matched with it.

    Args:
        groups: G names of what was matched: "all", "joint:nose", ...
        persons: a line for each annotated person: id, digest of all that a match depends on.
        images: a line for each image: id, then for each group how many persons count, by area ("2,1,0").
    """

    groups: tuple[str, ...]
    persons: tuple[str, ...]
    images: tuple[str, ...]


def ground(truth: Truth, matches: Mapping[str, Matches]) -> Ground:
    """Write down the annotated side of some groups' matches, of the same images."""
    facts = np.concatenate(
        [
            truth.keypoints.reshape(len(truth.ids), -1),
            truth.areas[:, None],
            truth.boxes,
            np.stack([truth.ignore, truth.crowd, truth.image], axis=1).astype(np.float64),
        ],
        axis=1,
    )
    digests = [hashlib.sha256(row.astype("<f8").tobytes()).hexdigest()[:DIGITS] for row in facts]
    persons = [f"{number} {digest}" for number, digest in zip(truth.ids.tolist(), digests, strict=True)]
    counts = [[",".join(map(str, row)) for row in one.positives.tolist()] for one in matches.values()]
    images = [" ".join([str(image), *row]) for image, *row in zip(truth.images.tolist(), *counts, strict=True)]
    return Ground(tuple(matches), tuple(persons), tuple(images))


def predictions(matches: Mapping[str, Matches]) -> list[str]:
    """Write a line for each prediction by falling score: index of its image, score, and for each group two words.

    The words hold a bit for each area and threshold, in hex: whether it is matched, whether it is ignored.
    """
    first = next(iter(matches.values()))
    columns = []
    for one in matches.values():
        if not (np.array_equal(one.image, first.image) and np.array_equal(one.scores, first.scores)):
            raise ValueError("the groups do not match the same predictions")
        columns += [_words(one.matched), _words(one.ignored)]
    head = [f"{image} {score!r}" for image, score in zip(first.image.tolist(), first.scores.tolist(), strict=True)]
    return [" ".join(row) for row in zip(head, *columns, strict=True)]


def read(ground: Ground, lines: Sequence[str]) -> dict[str, Matches]:
    """Read matches back, by group; what scores do not need (which person was found, OKS) is not there.

    Raises: ValueError for a line that is none.
    """
    rows = [line.split(" ") for line in lines]
    if any(len(row) != 2 + 2 * len(ground.groups) for row in rows):
        raise ValueError("a prediction's line is too short or too long")
    image = np.array([int(row[0]) for row in rows], np.int64)
    scores = np.array([float(row[1]) for row in rows], np.float64)
    if len(rows) and not (image.min() >= 0 and image.max() < len(ground.images) and np.isfinite(scores).all()):
        raise ValueError("a prediction is of no image, or its score is no number")
    ids, positives = _read_images(ground)
    return {
        group: Matches(
            images=ids,
            positives=positives[:, place],
            prediction=np.arange(len(rows)),
            image=image,
            scores=scores,
            matched=_bits([row[2 + 2 * place] for row in rows]),
            ignored=_bits([row[3 + 2 * place] for row in rows]),
            person=np.full(len(rows), -1),
            oks=np.full(len(rows), np.nan),
        )
        for place, group in enumerate(ground.groups)
    }


def _read_images(ground: Ground) -> tuple[np.ndarray, np.ndarray]:
    """Return the images' ids (I,) and how many count (I, G, A)."""
    rows = [line.split(" ") for line in ground.images]
    ids = np.array([int(row[0]) for row in rows], np.int64)
    counts = [[[int(count) for count in part.split(",")] for part in row[1:]] for row in rows]
    positives = np.array(counts, np.int64)
    if positives.shape != (len(rows), len(ground.groups), len(AREAS)):
        raise ValueError("an image's line is too short or too long")
    return ids, positives


def _words(bits: np.ndarray) -> list[str]:
    packed = np.packbits(bits.reshape(len(bits), -1), axis=1)
    return [row.tobytes().hex() for row in packed]


def _bits(words: Sequence[str]) -> np.ndarray:
    if any(len(word) != _WIDTH for word in words):
        raise ValueError("a word of bits is too short or too long")
    packed = np.frombuffer(bytes.fromhex("".join(words)), np.uint8).reshape(len(words), -1)
    bits: np.ndarray = np.unpackbits(packed, axis=1)[:, :_BITS].astype(bool)
    return bits.reshape(len(words), len(AREAS), len(THRESHOLDS))
