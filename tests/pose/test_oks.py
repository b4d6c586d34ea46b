from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchbox.pose.oks import SOFT_LIMIT, nms, oks_matrix, rescore, soft_nms
from benchbox.pose.skeleton import COCO17

seeds = st.integers(0, 2**32 - 1)
counts = st.integers(1, 30)


def crowd(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 100, (1, 17, 3)) + rng.normal(0, 8, (count, 17, 3))
    keypoints[..., 2] = rng.uniform(0, 1, (count, 17))
    return keypoints, rng.uniform(0, 1, count), rng.uniform(1000, 9000, count)


@given(seed=seeds, count=counts)
def test_similarity_is_symmetric_and_one_with_oneself(seed, count):
    keypoints, _, area = crowd(seed, count)
    oks = oks_matrix(keypoints, area, sigmas=COCO17.sigmas)
    np.testing.assert_allclose(oks, oks.T, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(np.diag(oks), np.ones(count))
    assert oks.min() >= 0
    assert oks.max() <= 1


@given(seed=seeds, count=counts, threshold=st.floats(0.05, 0.95))
def test_suppression_keeps_the_best_and_no_doubles(seed, count, threshold):
    keypoints, scores, area = crowd(seed, count)
    oks = oks_matrix(keypoints, area, sigmas=COCO17.sigmas)
    kept = nms(oks, scores, threshold=threshold)
    assert kept[0] == scores.argmax()
    assert (np.diff(scores[kept]) <= 0).all()
    among = oks[np.ix_(kept, kept)] - np.eye(len(kept))
    assert among.max() <= threshold
    dropped = np.setdiff1d(np.arange(count), kept)
    assert (oks[np.ix_(dropped, kept)] > threshold).any(axis=1).all()
    soft = soft_nms(oks, scores, threshold=threshold)
    assert len(set(soft.tolist())) == len(soft) == min(count, SOFT_LIMIT)


@given(seed=seeds, count=counts)
def test_rescoring_never_raises_a_score_and_keeps_images_apart(seed, count):
    keypoints, scores, area = crowd(seed, count)
    images = np.arange(count)
    kept, rescored = rescore(keypoints, scores, images, area, sigmas=COCO17.sigmas)
    assert kept.tolist() == images.tolist()
    assert (rescored <= scores + 1e-12).all()


def test_nobody_is_fine():
    empty = np.empty((0, 17, 3))
    kept, scores = rescore(empty, np.empty(0), np.empty(0), np.empty(0), sigmas=COCO17.sigmas)
    assert kept.tolist() == scores.tolist() == []
