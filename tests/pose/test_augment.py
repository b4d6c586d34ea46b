from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.pose.augment import Draws, draw, flip_points, half_body
from benchbox.pose.skeleton import COCO17, MPII16, SKELETONS


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 4000))
def test_mirroring_twice_is_nothing(skeleton, seed, width):
    rng = np.random.default_rng(seed)
    visible = rng.integers(0, 2, len(skeleton.joints)).astype(np.float64)
    joints = rng.integers(0, width, (len(skeleton.joints), 2)) * visible[:, None]
    once, seen = flip_points(joints, visible, width=width, pairs=skeleton.flip_pairs)
    twice, seen_again = flip_points(once, seen, width=width, pairs=skeleton.flip_pairs)
    np.testing.assert_array_equal(twice, joints)
    np.testing.assert_array_equal(seen_again, visible)


@given(seed=st.integers(0, 2**32 - 1), rotate=st.floats(0, 90), rescale=st.floats(0, 0.9))
def test_draws_stay_within_their_limits(seed, rotate, rescale):
    drawn = draw(
        np.random.default_rng(seed), rotate=rotate, rescale=rescale, flip_probability=0.0, half_body_probability=1.0
    )
    assert abs(drawn.rotation) <= 2 * rotate
    assert 1 - rescale <= drawn.scale <= 1 + rescale
    assert drawn.half_body
    assert not drawn.flip


def test_draws_use_seven_numbers_whatever_they_decide():
    """Or a change of one option would shift all draws after it."""
    left = []
    for options in ((0.0, 0.0, 0.0, 0.0), (40.0, 0.3, 0.5, 0.3)):
        rng = np.random.Generator(np.random.Philox(key=5))
        rotate, rescale, flip, half = options
        draw(rng, rotate=rotate, rescale=rescale, flip_probability=flip, half_body_probability=half)
        left.append(rng.random())
    rng = np.random.Generator(np.random.Philox(key=5))
    rng.random(7)
    assert left == [rng.random()] * 2


def test_without_options_nothing_changes():
    rng = np.random.default_rng(0)
    drawn = [draw(rng, rotate=0, rescale=0, flip_probability=0, half_body_probability=0) for _ in range(200)]
    assert {(d.half_body, d.scale, d.rotation, d.flip) for d in drawn} == {(False, 1.0, 0.0, False)}
    assert isinstance(drawn[0], Draws)


@pytest.mark.parametrize("skeleton", [COCO17, MPII16], ids=lambda s: s.name)
def test_a_half_body_frames_the_wanted_half(skeleton):
    joints = np.full((len(skeleton.joints), 2), 300.0)
    joints[list(skeleton.upper_body)] = 100.0
    joints += np.arange(len(joints))[:, None]
    visible = np.ones(len(joints))
    options = {"upper_body": skeleton.upper_body, "aspect_ratio": 0.75}
    for prefer_upper, low, high in ((True, 100, 120), (False, 300, 320)):
        center, scale = half_body(joints, visible, prefer_upper=prefer_upper, **options)
        assert (center >= low).all()
        assert (center <= high).all()
        assert scale[0] / scale[1] == pytest.approx(0.75)


def test_one_joint_is_no_body():
    visible = np.zeros(17)
    visible[3] = 1
    found = half_body(np.ones((17, 2)), visible, upper_body=COCO17.upper_body, prefer_upper=True, aspect_ratio=1.0)
    assert found is None


def test_two_joints_of_the_lower_half_do_not_suffice():
    joints = np.arange(34, dtype=np.float64).reshape(17, 2) * 10
    visible = np.zeros(17)
    visible[[5, 6, 11, 12]] = 1
    center, _ = half_body(joints, visible, upper_body=COCO17.upper_body, prefer_upper=False, aspect_ratio=1.0)
    np.testing.assert_allclose(center, joints[5:7].mean(axis=0))
