from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchbox.pose.affine import box_to_center_scale, crop_matrix, transform_points
from benchbox.pose.crop import Cropper
from tests.parity.golden import cases


@pytest.mark.parametrize("case", cases("affine"))
def test_matrix_and_points(case):
    matrix = crop_matrix(
        case["center"],
        case["scale"],
        float(case["rot_deg"]),
        tuple(case["output_size_wh"][::-1]),
        shift=case["shift"],
        inverse=bool(case["inv"]),
    )
    np.testing.assert_allclose(matrix, case["matrix"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(transform_points(case["points"], matrix), case["points_out"], rtol=0, atol=1e-3)


@pytest.mark.parametrize("case", cases("warp"))
def test_crop(case):
    size = tuple(int(n) for n in case["output_size_wh"][::-1])
    matrix = crop_matrix(case["center"], case["scale"], float(case["rot_deg"]), size)
    warped = Cropper(size).crop(case["image"], matrix)
    assert warped.dtype == np.uint8
    levels = 1 if cv2.__version__ == "5.0.0" else 2  # the vectors' tolerance for the version that made them, and others
    assert np.abs(warped.astype(int) - case["warped"].astype(int)).max() <= levels


@pytest.mark.parametrize("case", cases("box2cs"))
def test_boxes(case):
    center, scale = box_to_center_scale(case["boxes_xywh"], aspect_ratio=float(case["aspect_ratio"]))
    assert center.dtype == scale.dtype == np.float32
    np.testing.assert_allclose(center, case["center"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scale, case["scale"], rtol=0, atol=1e-3)
