from __future__ import annotations

import cv2
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from benchbox.pose.affine import crop_matrix
from benchbox.pose.crop import Cropper
from benchbox.pose.udp import udp_matrix

SIZE = (64, 48)
IMAGES = [
    np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    for seed, size in enumerate([(120, 160), (90, 60), (1, 1), (3, 200)])
]


@example(image=IMAGES[0], where=(0.3, 0.4), width=0.2, rotation=20.0, matrix=crop_matrix, mirrored=True)
@example(image=IMAGES[0], where=(0.9, 0.1), width=0.3, rotation=0.0, matrix=udp_matrix, mirrored=False)
@given(
    image=st.sampled_from(IMAGES),
    where=st.tuples(st.floats(-1, 2), st.floats(-1, 2)),
    width=st.one_of(st.floats(0.05, 0.8), st.floats(0.005, 1e5)),
    rotation=st.floats(-180, 180),
    matrix=st.sampled_from([crop_matrix, udp_matrix]),
    mirrored=st.booleans(),
)
def test_a_crop_is_what_opencv_samples_from_the_whole_image(image, where, width, rotation, matrix, mirrored):
    """To the bit: four channels, the part of the image it reads and used memory change nothing."""
    height, length = image.shape[:2]
    center = (where[0] * length, where[1] * height)
    found = matrix(center, (width, width * 4 / 3), rotation, SIZE)
    whole = cv2.flip(image, 1) if mirrored else image
    expected = cv2.warpAffine(whole, found, (SIZE[1], SIZE[0]), flags=cv2.INTER_LINEAR)
    cropper = Cropper(SIZE)
    everything = crop_matrix((100, 100), (4.0, 4.0), 0, SIZE)
    cropper.crop(np.full((200, 200, 3), 255, np.uint8), everything)  # what is left of another image must not show
    np.testing.assert_array_equal(cropper.crop(image, found, mirrored=mirrored), expected)


def test_outside_the_image_is_black():
    image = np.full((20, 20, 3), 200, dtype=np.uint8)
    size = (16, 16)
    cropper = Cropper(size)
    assert (cropper.crop(image, crop_matrix((10, 10), (0.05, 0.05), 0, size)) == 200).all()
    assert not cropper.crop(image, crop_matrix((500, 500), (0.1, 0.1), 0, size)).any()
