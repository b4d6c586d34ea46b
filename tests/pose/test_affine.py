from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchbox.pose.affine import box_to_center_scale, crop_matrix, transform_points

coordinate = st.floats(-500, 1500)
side = st.floats(0.05, 8)


@given(
    center=st.tuples(coordinate, coordinate),
    scale=st.tuples(side, side),
    rotation=st.floats(-180, 180),
    size=st.tuples(st.integers(16, 512), st.integers(16, 512)),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    point=st.tuples(coordinate, coordinate),
)
def test_there_and_back_is_the_same_place(center, scale, rotation, size, shift, point):
    there = crop_matrix(center, scale, rotation, size, shift=shift)
    back = crop_matrix(center, scale, rotation, size, shift=shift, inverse=True)
    found = transform_points(transform_points(np.array([point]), there), back)
    np.testing.assert_allclose(found, [point], rtol=0, atol=1e-6)


@given(
    center=st.tuples(coordinate, coordinate),
    scale=st.tuples(side, side),
    rotation=st.floats(-180, 180),
    size=st.tuples(st.integers(16, 512), st.integers(16, 512)),
)
def test_the_center_goes_to_the_middle_and_angles_stay(center, scale, rotation, size):
    matrix = crop_matrix(center, scale, rotation, size)
    np.testing.assert_allclose(
        transform_points(np.array(center), matrix), [size[1] / 2, size[0] / 2], rtol=0, atol=1e-6
    )
    linear = matrix[:, :2] * (200 * scale[0] / size[1])
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), rtol=0, atol=1e-9)


@given(
    box=st.tuples(coordinate, coordinate, st.floats(1, 900), st.floats(1, 900)),
    aspect=st.floats(0.3, 3),
)
def test_a_frame_holds_its_box(box, aspect):
    center, scale = box_to_center_scale(np.array(box), aspect_ratio=aspect)
    width, height = scale * 200
    assert np.isclose(width / height, aspect, rtol=1e-4)
    assert width >= 1.25 * box[2] * (1 - 1e-5)
    assert height >= 1.25 * box[3] * (1 - 1e-5)
    np.testing.assert_allclose(center, [box[0] + box[2] / 2, box[1] + box[3] / 2], rtol=1e-6, atol=1e-4)
