"""The pack: samples from it are those from the images; it is whole or not there, whoever builds it."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchbox.datasets import coco, lsp, mpii, pack_build, topdown
from benchbox.datasets.image import read_image
from benchbox.datasets.image_size import image_size
from benchbox.datasets.pack import Pack, pack_key
from benchbox.datasets.synthetic import files
from benchbox.datasets.topdown import TopDown
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.pose.skeleton import COCO17, LSP14, MPII16

COUNT = 60


@pytest.fixture(scope="module")
def drawn(cache: Path) -> Path:
    return files.prepare(cache, train=COUNT, test=4) / "coco"


def crops_of(people, skeleton=COCO17, **changed) -> TopDown:
    """Crops with all that changes a sample."""
    given = {"rotate": 40.0, "rescale": 0.35, "flip_probability": 0.5, "half_body_probability": 0.3, "seed": 5}
    sizes = {"input_size": (64, 48), "heatmap_size": (16, 12), "sigma": 1.0}
    return TopDown(people, skeleton, **sizes | given | changed)


@pytest.fixture
def crops(drawn: Path) -> TopDown:
    return crops_of(coco.read_people(drawn, "train"))


def prepare(packs: Path, crops: TopDown, told=lambda done, of: None) -> Pack:
    return pack_build.prepare(packs, crops.people, frames=crops.frames, input_size=crops.input_size, told=told)


def left_in(packs: Path) -> list[str]:
    return sorted(entry.name for entry in packs.iterdir() if entry.name != ".lock")


def compare(crops: TopDown, packed: TopDown, epochs: int, monkeypatch) -> int:
    """Compare every sample of some epochs; return how many the pack could not give."""
    images: dict[Path, np.ndarray] = {}
    missed = 0

    def once(path: Path) -> np.ndarray:
        return images.setdefault(path, read_image(path)) if path not in images else images[path]

    def counted(path: Path) -> np.ndarray:
        nonlocal missed
        missed += 1
        return once(path)

    for epoch in range(epochs):
        for index in range(len(crops.people)):
            monkeypatch.setattr(topdown, "read_image", once)
            expected = crops.training_sample(index, epoch)
            monkeypatch.setattr(topdown, "read_image", counted)
            for one, other in zip(expected, packed.training_sample(index, epoch), strict=True):
                np.testing.assert_array_equal(one, other)
    return missed


def real_people(data: Path, name: str):
    if name == "lspet":
        return lsp.read_people(data / name, "train"), LSP14
    if name == "mpii":
        return mpii.read_people(data / name, "train"), MPII16
    return coco.read_people(data / name, "train2017"), COCO17


@pytest.mark.parametrize(("coordinates", "colour"), [("official", "rgb"), ("udp", "bgr")])
def test_samples_are_those_of_the_images(tmp_path, crops, monkeypatch, coordinates, colour):
    crops = replace(crops, coordinates=coordinates, colour=colour)
    packed = replace(crops, pictures=prepare(tmp_path, crops))
    assert compare(crops, packed, 12, monkeypatch) <= 0.01 * 12 * len(crops.people)


@pytest.mark.studies
@pytest.mark.parametrize("name", ["coco", "mpii", "lspet"])
def test_samples_of_real_people_are_those_of_the_images(tmp_path, real_data, monkeypatch, name):
    people, skeleton = real_people(real_data, name)
    people = people[:150]
    crops = crops_of(people, skeleton, input_size=(256, 192), heatmap_size=(64, 48))
    pictures = prepare(tmp_path, crops)
    for coordinates, colour in (("official", "rgb"), ("udp", "bgr")):
        some = replace(crops, coordinates=coordinates, colour=colour)
        missed = compare(some, replace(some, pictures=pictures), 2, monkeypatch)
        assert missed <= 0.01 * 2 * len(people)


def test_a_crop_beyond_its_region_is_read_from_the_image(tmp_path, crops, monkeypatch):
    crops = replace(crops, rescale=4.0)
    packed = replace(crops, pictures=prepare(tmp_path, crops))
    assert compare(crops, packed, 2, monkeypatch) > 0


def test_batches_are_those_of_the_images(tmp_path, crops):
    packed = replace(crops, pictures=prepare(tmp_path, crops))
    for one, other in zip(crops.training_batches(1, 8), packed.training_batches(1, 8), strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_pictures_of_other_people_are_refused(tmp_path, crops):
    with pytest.raises(ValueError, match="pictures of"):
        replace(crops, people=crops.people[1:], pictures=prepare(tmp_path, crops))


def test_a_pack_is_built_once_and_progress_is_told(tmp_path, crops):
    told = []
    prepare(tmp_path, crops, lambda done, of: told.append((done, of)))
    images = len({person.image for person in crops.people})
    assert told[0] == (0, images)
    assert told[-1] == (images, images)
    (name,) = left_in(tmp_path)
    assert sorted(os.listdir(tmp_path / name)) == ["index.npy", "meta.json", "pixels.bin"]
    again = prepare(tmp_path, replace(crops, seed=9, input_size=(128, 96)), lambda done, of: pytest.fail("built again"))
    assert again.folder == tmp_path / name


def test_several_processes_build_the_same_pack(tmp_path, crops, monkeypatch):
    one = prepare(tmp_path / "one", crops).folder
    monkeypatch.setattr(pack_build, "BYTES_A_PROCESS", 1)
    monkeypatch.setattr(pack_build.os, "sched_getaffinity", lambda pid: {0, 1, 2})
    several = prepare(tmp_path / "several", crops).folder
    for name in ("pixels.bin", "index.npy", "meta.json"):
        assert (one / name).read_bytes() == (several / name).read_bytes()


def test_the_key_is_of_what_the_pack_holds(tmp_path, crops):
    image = tmp_path / crops.people[0].image.parent.name / crops.people[0].image.name
    image.parent.mkdir()
    shutil.copy2(crops.people[0].image, image)
    people = [replace(crops.people[0], image=image), *crops.people[1:]]
    key = pack_key(people, (64, 48))
    assert key == pack_key(crops.people, (256, 192))  # wherever the images lie, at any size of this ratio
    assert key != pack_key(people, (64, 64))
    assert key != pack_key(people[::-1], (64, 48))
    assert key != pack_key([replace(people[0], box=(1.0, 2.0, 3.0, 4.0)), *people[1:]], (64, 48))
    os.utime(image, ns=(0, 1))
    assert key != pack_key(people, (64, 48))


def test_a_changed_image_is_in_the_next_pack(tmp_path, crops, monkeypatch):
    image = tmp_path / "changed.jpg"
    shutil.copy(crops.people[0].image, image)
    crops = replace(crops, people=[replace(crops.people[0], image=image)])
    before = prepare(tmp_path / "packs", crops)
    cv2.imwrite(str(image), 255 - read_image(image))
    after = prepare(tmp_path / "packs", crops)
    assert before.folder != after.folder
    compare(crops, replace(crops, pictures=after), 3, monkeypatch)


@pytest.mark.parametrize("damage", ["short pixels", "other index", "no meta", "half a meta", "another schema"])
def test_a_damaged_pack_is_built_anew(tmp_path, crops, damage):
    folder = prepare(tmp_path, crops).folder
    sound = {file.name: file.read_bytes() for file in folder.iterdir()}
    meta = folder / "meta.json"
    if damage == "short pixels":
        os.truncate(folder / "pixels.bin", 1000)
    elif damage == "other index":
        (folder / "index.npy").write_bytes(sound["index.npy"][:-1] + b"\x07")
    elif damage == "no meta":
        meta.unlink()
    elif damage == "half a meta":
        meta.write_bytes(sound["meta.json"][:40])
    else:
        meta.write_text(json.dumps(json.loads(sound["meta.json"]) | {"schema": 2}))
    prepare(tmp_path, crops)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == sound
    assert left_in(tmp_path) == [folder.name]


def test_damaged_pixels_are_not_trained_on(tmp_path, crops, monkeypatch, caplog):
    folder = prepare(tmp_path, crops).folder
    content = bytearray((folder / "pixels.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "pixels.bin").write_bytes(content)
    missed = compare(crops, replace(crops, pictures=prepare(tmp_path, crops)), 2, monkeypatch)
    assert 0 < missed < len(crops.people)
    assert ["damaged" in record.getMessage() for record in caplog.records] == [True]
    assert compare(crops, replace(crops, pictures=prepare(tmp_path, crops)), 1, monkeypatch) == 0


def test_an_unreadable_image_is_told_by_who_trains_on_it(tmp_path, crops):
    broken, missing = tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(crops.people[0].image.read_bytes()[:-200])
    people = [replace(crops.people[0], image=path) for path in (broken, missing)] + list(crops.people[1:9])
    crops = replace(crops, people=people)
    packed = replace(crops, pictures=prepare(tmp_path / "packs", crops))
    for index in (0, 1):
        with pytest.raises(InvalidInput, match=people[index].image.name):
            packed.training_sample(index, 0)
    for one, other in zip(crops.training_sample(2, 0), packed.training_sample(2, 0), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("several", [False, True])
def test_a_stop_leaves_nothing_behind(tmp_path, crops, monkeypatch, several):
    if several:
        monkeypatch.setattr(pack_build, "BYTES_A_PROCESS", 1)
        monkeypatch.setattr(pack_build.os, "sched_getaffinity", lambda pid: {0, 1})

    def told(done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(tmp_path, crops, told)
    assert left_in(tmp_path) == []
    assert not multiprocessing.active_children()


def test_too_little_room_is_one_line_before_anything_is_written(tmp_path, crops, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(pack_build.shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(EnvironmentProblem) as problem:
        prepare(tmp_path, crops, lambda done, of: pytest.fail("begun"))
    said = str(problem.value)
    assert str(tmp_path) in said
    for part in ("GiB, 0.000977 GiB are free", "BENCHBOX_CACHE", "--no-pack"):
        assert part in said
    assert "\n" not in said
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("place", ["posix_fallocate", "pwrite"])
def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(tmp_path, crops, monkeypatch, place):
    def full(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pack_build.os, place, full)
    with pytest.raises(EnvironmentProblem, match=r"the disk is full; set BENCHBOX_CACHE .* --no-pack"):
        prepare(tmp_path, crops)
    assert left_in(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, crops):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match="cannot be written: not a directory"):
        prepare(tmp_path / "file" / "packs", crops)


def build_beside_another(root: Path, packs: Path, number: int) -> int:
    """Build when the other process is there too; return how many images this one decoded."""
    (packs.parent / f"ready{number}").touch()
    while not all((packs.parent / f"ready{other}").exists() for other in (0, 1)):
        time.sleep(0.01)
    most = 0

    def told(done: int, of: int) -> None:
        nonlocal most
        most = max(most, done)
        time.sleep(0.01)

    crops = crops_of(coco.read_people(root, "train"))
    assert len(prepare(packs, crops, told)) == len(crops.people)
    return most


def test_two_at_once_build_it_once(tmp_path, drawn):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        both = [pool.submit(build_beside_another, drawn, tmp_path / "packs", number) for number in (0, 1)]
        counts = sorted(each.result() for each in both)
    assert counts[0] == 0 < counts[1]
    assert len(left_in(tmp_path / "packs")) == 1


SLOW = """
import sys, time
from pathlib import Path
from benchbox.datasets import coco, pack_build
from tests.datasets.test_pack import crops_of, prepare
if __name__ == "__main__":
    pack_build.BYTES_A_PROCESS = 1
    pack_build.os.sched_getaffinity = lambda pid: {0, 1}
    prepare(Path(sys.argv[2]), crops_of(coco.read_people(Path(sys.argv[1]), "train")), lambda done, of: time.sleep(0.3))
"""


def test_a_killed_builder_leaves_nothing_to_trip_over(tmp_path, drawn, crops, root):
    script, packs = tmp_path / "slow.py", tmp_path / "packs"
    script.write_text(SLOW)
    given = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, str(script), str(drawn), str(packs)], env=given)
    try:
        deadline = time.monotonic() + 60
        while not list(packs.glob(".partial-*/pixels.bin")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.4)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [name.split("-")[0] for name in left_in(packs)] == [".partial"]
    pack = prepare(packs, crops)
    assert left_in(packs) == [pack.folder.name]
    assert pack.part(0) is not None


def test_the_size_of_an_image_is_read_from_its_header(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    for name, how in {
        "plain.jpg": [],
        "progressive.jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        "plain.png": [],
        "decoded.bmp": [],
    }.items():
        cv2.imwrite(str(tmp_path / name), image, how)
        assert image_size(tmp_path / name) == (30, 50), name
    plain = (tmp_path / "plain.jpg").read_bytes()
    thumbnail = b"\xff\xd8\xff\xc0\0\x11\x08\0\x08\0\x08\x03" + bytes(20)
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    (tmp_path / "thumbnail.jpg").write_bytes(plain[:2] + segment + b"\xff" + plain[2:])
    assert image_size(tmp_path / "thumbnail.jpg") == (30, 50)
    for content in (b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe1\0", plain[:2] + b"x", b"not an image"):
        (tmp_path / "bad.jpg").write_bytes(content)
        assert image_size(tmp_path / "bad.jpg") is None
    assert image_size(tmp_path / "missing.jpg") is None
