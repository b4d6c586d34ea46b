from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchbox.datasets.image import is_turned
from benchbox.datasets.image_files import file_problems, look_at
from benchbox.image_header import is_truncated

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
KINDS = {
    "jpeg": (".jpg", []),
    "progressive jpeg": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "jpeg with restarts": (".jpg", [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
    "png": (".png", []),
}


def encoded(kind: str = "jpeg", image: np.ndarray = NOISE) -> bytes:
    suffix, options = KINDS[kind]
    return cv2.imencode(suffix, image, options)[1].tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_seen(kind):
    content = encoded(kind)
    assert not is_truncated(content)
    assert not is_truncated(content + b"\0\0trailing")
    # The last four bytes of a PNG are a checksum behind its end mark.
    end = len(content) - (4 if kind == "png" else 0)
    assert all(is_truncated(content[:length]) for length in range(8, end))


def test_a_thumbnail_inside_does_not_hide_a_truncation():
    thumbnail, content = encoded(image=NOISE[:8, :8]), encoded()
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    content = content[:2] + segment + content[2:]
    assert not is_truncated(content)
    assert is_truncated(content[:-2])
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == NOISE.shape


def test_a_look_tells_size_and_problem(tmp_path):
    def look(content: bytes | None):
        path = tmp_path / "a.jpg"
        if content is not None:
            path.write_bytes(content)
        file = look_at(path)
        return file.size, file.problem

    assert look(None) == (None, "missing image")
    assert look(encoded()) == ((60, 40), "")
    assert look(encoded("png")) == ((60, 40), "")
    assert look(encoded()[:-100]) == (None, "truncated image")
    assert look(b"") == (None, "unreadable image")
    assert look(b"no image at all") == (None, "unreadable image")
    (tmp_path / "folder.jpg").mkdir()
    assert look_at(tmp_path / "folder.jpg").problem == "unreadable image"


def test_equal_bytes_are_told_once_for_each_copy(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(encoded())
    (tmp_path / "d").write_bytes(encoded(image=NOISE[::-1]))
    found = list(file_problems([look_at(tmp_path / name) for name in "abcde"]))
    assert found == [
        ("image twice", f"{tmp_path / 'b'} has the bytes of a"),
        ("image twice", f"{tmp_path / 'c'} has the bytes of a"),
        ("missing image", str(tmp_path / "e")),
    ]


@pytest.mark.parametrize("orientation", [0, 1, 3, 6])
def test_an_image_that_is_to_be_shown_turned_is_known(orientation, tmp_path):
    """Orientation 0: no EXIF data; 1 turns nothing."""
    drawn = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    content = cv2.imencode(".jpg", drawn)[1].tobytes()
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "photo.jpg").write_bytes(content[:2] + (segment if orientation else b"") + content[2:])
    assert is_turned(tmp_path / "photo.jpg") == (orientation > 1)
