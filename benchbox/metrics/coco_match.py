"""Match predicted people with annotated ones as COCO's keypoint scores do, for all images at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbox.errors import InvalidInput
from benchbox.metrics.coco_truth import Truth

# Source of all three: pycocotools, Params.setKpParams and COCOeval.evaluateImg.
THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # square pixels, both ends belong
MOST = 20  # people of an image that count, by score
_EPSILON = float(np.spacing(1))


@dataclass(frozen=True, eq=False)
class Predictions:
    """Hold predicted people in the order of their file, which decides between equal scores.

    Args:
        image_ids: (N,) ids of the images.
        keypoints: (N, K, 2) or more columns, x, y in pixels.
        scores: (N,), finite.
    """

    image_ids: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, eq=False)
class Matches:
    """Hold what became of each prediction that counts, by falling score; A areas of `AREAS`, T of `THRESHOLDS`.

    Args:
        images: (I,) int64 ids of the images scored, ascending.
        positives: (I, A) int64, annotated people that count.
        prediction: (N,) int64, place in the predictions' file; at most `MOST` of an image are left.
        image: (N,) int64 index into `images`.
        scores: (N,) float64, falling; equal ones by image, then by the predictions' order.
        matched: (N, A, T) bool, an annotated person was found.
        ignored: (N, A, T) bool, counts neither as right nor as wrong.
        person: (N,) int64 index into the ground truth of the person found at OKS 0.5 over all areas, -1 for none;
            people who are ignored are among them.
        oks: (N,) float64 with that person, NaN for none.
    """

    images: np.ndarray
    positives: np.ndarray
    prediction: np.ndarray
    image: np.ndarray
    scores: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    person: np.ndarray
    oks: np.ndarray


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Every prediction with every annotated person of its image; those of one prediction stand together.

    N predictions by image, then by falling score; I images of the ground truth.
    """

    rank: np.ndarray  # (N,) place among the predictions of its image
    image: np.ndarray  # (N,) index into all images of the ground truth
    first: np.ndarray  # (N,) its first pair
    size: np.ndarray  # (N,) its pairs
    person: np.ndarray  # (P,) index into the ground truth
    oks: np.ndarray  # (P,)


def from_results(results: Iterable[dict[str, Any]], *, joints: int) -> Predictions:
    """Make arrays of COCO results.

    Args:
        results: image_id, keypoints (3 K numbers) and score of each person; nothing is checked, which is for
            `benchbox.datasets.predictions` where they come from a file.
        joints: K.
    """
    rows = list(results)
    return Predictions(
        image_ids=np.array([row["image_id"] for row in rows], dtype=np.int64),
        keypoints=np.array([row["keypoints"] for row in rows], dtype=np.float64).reshape(-1, joints, 3),
        scores=np.array([row["score"] for row in rows], dtype=np.float64),
    )


def match(
    truth: Truth,
    predictions: Predictions,
    *,
    sigmas: Sequence[float] | np.ndarray,
    joints: Sequence[int] | None = None,
    counted: np.ndarray | None = None,
    image_ids: Iterable[int] | None = None,
) -> Matches:
    """Match the people of every image, for every area and threshold.

    By falling score, each prediction takes the free annotated person with the greatest OKS (of equal ones the last of
    the file), if it reaches the threshold; people who are ignored only where nobody else does. The areas of
    predictions are those of the boxes around all their keypoints.

    Args:
        truth: annotated people.
        predictions: predicted people; those of images not scored are left out.
        sigmas: (K,) constants of the joints.
        joints: indices of the joints to compare, all when None; the others count as not labelled.
        counted: (G,) bool, whom to count; the others are ignored. Everybody when None.
        image_ids: images to score, all when None.

    Raises:
        InvalidInput: a prediction or an image id is not one of the ground truth's images; a number is not finite.

    Source: pycocotools, `COCOeval.evaluate`; with it the rule that a person with the id 0 is never found.
    Differs: pycocotools takes the area of a result that has a `bbox` from there.
    """
    spread = (np.asarray(sigmas, dtype=np.float64) * 2) ** 2
    labelled = truth.keypoints[..., 2] > 0
    ignore = truth.ignore
    if joints is not None:
        kept = np.zeros(len(spread), dtype=bool)
        kept[list(joints)] = True
        labelled = labelled & kept
        ignore = truth.crowd | ~labelled.any(axis=1)
    if counted is not None:
        ignore = ignore | ~np.asarray(counted, dtype=bool)
    ignore = ignore[:, None] | _outside(truth.areas)
    chosen = _chosen(truth.images, image_ids)
    rows, image = _by_image(truth.images, predictions, chosen)
    points = np.asarray(predictions.keypoints, dtype=np.float64)[rows, :, :2]
    pairs = _pairs(truth, labelled, image, points, spread)
    found = _greedy(truth, ignore, pairs)
    matched, ignored = _outcome(truth, ignore, found, points)
    scores = np.asarray(predictions.scores, dtype=np.float64)[rows]
    order = np.argsort(-scores, kind="stable")
    person = found[order, 0, 0]
    counts = [np.bincount(truth.image[~column], minlength=len(truth.images)) for column in ignore.T]
    return Matches(
        images=truth.images[chosen],
        positives=np.stack(counts, axis=1)[chosen],
        prediction=rows[order],
        image=np.searchsorted(chosen, image[order]),
        scores=scores[order],
        matched=matched[order],
        ignored=ignored[order],
        person=person,
        oks=_oks_of(pairs, order, person),
    )


def _chosen(images: np.ndarray, image_ids: Iterable[int] | None) -> np.ndarray:
    """Return the indices of the images to score, ascending."""
    if image_ids is None:
        return np.arange(len(images))
    wanted = np.unique(np.array(list(image_ids), dtype=np.int64))
    unknown = wanted[~np.isin(wanted, images)]
    if unknown.size:
        raise InvalidInput(f"image id {unknown[0]} is not among the images of the ground truth")
    return np.searchsorted(images, wanted)


def _by_image(images: np.ndarray, predictions: Predictions, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the predictions that count, by image and falling score: places in their file, indices of their images."""
    ids, scores = np.asarray(predictions.image_ids), np.asarray(predictions.scores)
    finite = np.isfinite(predictions.keypoints[..., :2]).all(axis=(1, 2)) & np.isfinite(scores)
    if not finite.all():
        raise InvalidInput(f"result {np.flatnonzero(~finite)[0]}: a coordinate or the score is not finite")
    unknown = np.flatnonzero(~np.isin(ids, images))
    if unknown.size:
        raise InvalidInput(
            f"result {unknown[0]}: image_id {ids[unknown[0]]} is not among the images of the ground truth"
        )
    image = np.searchsorted(images, ids)
    rows = np.lexsort((-scores, image))
    rows = rows[np.isin(image[rows], chosen)]
    rows = rows[_ranks(image[rows]) < MOST]
    return rows, image[rows]


def _ranks(groups: np.ndarray) -> np.ndarray:
    """Number the members of each run of equal values from 0."""
    return np.arange(len(groups)) - np.searchsorted(groups, groups)


def _outside(areas: np.ndarray) -> np.ndarray:
    """Return (N, A) whether each area lies outside each range."""
    low, high = np.array(list(AREAS.values())).T
    outside: np.ndarray = (areas[:, None] < low) | (areas[:, None] > high)
    return outside


def _pairs(truth: Truth, labelled: np.ndarray, image: np.ndarray, points: np.ndarray, spread: np.ndarray) -> _Pairs:
    """Pair predictions with the people of their images and compute their OKS."""
    begin = np.searchsorted(truth.image, image)
    size = np.searchsorted(truth.image, image, side="right") - begin
    first = np.cumsum(size) - size
    prediction = np.repeat(np.arange(len(image)), size)
    person = np.arange(size.sum()) + (begin - first)[prediction]
    counts = labelled.sum(axis=1)
    front = np.argsort(~labelled, axis=1, kind="stable")  # labelled joints first
    oks = np.empty(len(person))
    for count in np.unique(counts[person]):
        # Equal numbers of terms, side by side: so that numpy adds them up in pycocotools' order, to the last bit.
        pair = np.flatnonzero(counts[person] == count)
        who = person[pair]
        if count:
            joints = front[who, :count]
            offsets = points[prediction[pair, None], joints] - truth.keypoints[who[:, None], joints, :2]
            widths = spread[joints]
        else:
            corner, length = truth.boxes[who, None, :2], truth.boxes[who, None, 2:]
            place = points[prediction[pair]]
            offsets = np.maximum(0, (corner - length) - place) + np.maximum(0, place - (corner + length * 2))
            widths = spread
        far = (offsets[..., 0] ** 2 + offsets[..., 1] ** 2) / widths / (truth.areas[who, None] + _EPSILON) / 2
        oks[pair] = np.exp(-far).sum(axis=1) / far.shape[1]
    return _Pairs(rank=_ranks(image), image=image, first=first, size=size, person=person, oks=oks)


def _greedy(truth: Truth, ignore: np.ndarray, pairs: _Pairs) -> np.ndarray:
    """Let predictions choose by falling score; return (N, A, T) indices into the ground truth, -1 for nobody."""
    shape = (len(AREAS), len(THRESHOLDS))
    found = np.full((len(pairs.rank), *shape), -1)
    for count in np.unique(pairs.size[pairs.size > 0]):
        rows = np.flatnonzero(pairs.size == count)
        members = pairs.first[rows, None] + np.arange(count)
        able = pairs.oks[members].max(axis=1) >= THRESHOLDS[0]
        rows, members = rows[able], members[able]
        people, oks = pairs.person[members], pairs.oks[members]
        # The later of equal ones is preferred, and whoever counts to whoever is ignored.
        wish = np.argsort(np.argsort(oks, axis=1, kind="stable"), axis=1) + 1
        wishes = wish[:, None, None] + count * ~ignore[people].transpose(0, 2, 1)[:, :, None]
        reaches = (oks[:, None] >= THRESHOLDS[:, None])[:, None]
        images, slots = np.unique(pairs.image[rows], return_inverse=True)
        free = np.ones((len(images), *shape, count), dtype=bool)
        ranks = pairs.rank[rows]
        for rank in np.unique(ranks):
            now = np.flatnonzero(ranks == rank)
            slot = slots[now]
            offers = np.where(free[slot] & reaches[now], wishes[now], 0)
            best = offers.argmax(axis=-1)
            taken = np.take_along_axis(offers, best[..., None], axis=-1)[..., 0] > 0
            chosen = np.take_along_axis(people[now], best.reshape(len(now), -1), axis=1).reshape(best.shape)
            found[rows[now]] = np.where(taken, chosen, -1)
            which, area, threshold = np.nonzero(taken & ~truth.crowd[chosen])
            free[slot[which], area, threshold, best[which, area, threshold]] = False
    return found


def _outcome(truth: Truth, ignore: np.ndarray, found: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, A, T) which predictions found somebody, and which count neither as right nor as wrong."""
    # Nobody (-1) is the row added at the end. pycocotools marks a match by the person's id, and nobody by 0.
    matched = np.append(truth.ids, 0)[found] != 0
    ignored = np.pad(ignore, ((0, 1), (0, 0)))[found, np.arange(len(AREAS))[:, None]]
    by_joint = np.ascontiguousarray(points.transpose(1, 2, 0))  # numpy is slow along 17 joints
    width, height = by_joint.max(axis=0) - by_joint.min(axis=0)
    ignored |= ~matched & _outside(width * height)[..., None]
    return matched, ignored


def _oks_of(pairs: _Pairs, order: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return (N,) the OKS of each prediction with the person it found, NaN for nobody."""
    oks = np.full(len(order), np.nan)
    hit = person >= 0
    first = pairs.first[order[hit]]
    oks[hit] = pairs.oks[first + person[hit] - pairs.person[first]]
    return oks
