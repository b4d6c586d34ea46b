"""The embedded persons are the same persons through every reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchbox.datasets import coco, lsp, mpii, mpii_release
from benchbox.datasets.synthetic import files, lsp_files
from benchbox.pose.skeleton import COCO17, LSP14, MPII16


@pytest.fixture(scope="module")
def base(cache: Path) -> Path:
    return files.prepare(cache, train=12, test=8)


def shared(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[list[int], list[int]]:
    both = [name for name in names if name in others and name != "upper_neck"]
    return [names.index(name) for name in both], [others.index(name) for name in both]


def test_lsps_reader_gives_mpiis_persons(base: Path) -> None:
    root = lsp_files.prepare(base)
    assert lsp_files.prepare(base) == root
    assert not list(base.glob(".lsp-*"))
    for split, theirs in (("train", "train"), ("test", "valid")):
        first = {}
        for person in mpii.read_people(base / "mpii", theirs):
            first.setdefault(person.image.name, person)
        found = lsp.read_people(root, split)
        assert len(found) == len(first) > 0
        mine, other = (list(LSP14.joints), list(MPII16.joints))
        order = [other.index(joint) for joint in mine]
        for person, known in zip(found, first.values(), strict=True):
            assert person.image.read_bytes() == known.image.read_bytes()
            np.testing.assert_allclose(person.keypoints, known.keypoints[order], atol=1e-4)


def test_cocos_and_mpiis_readers_agree_where_both_label(base: Path) -> None:
    ours, theirs = shared(COCO17.joints, MPII16.joints)
    assert len(ours) == 12
    for split, name in (("train", "train"), ("val", "valid")):
        people = {person.id: person for person in coco.read_people(base / "coco", split)}
        others = mpii.read_people(base / "mpii", name)
        assert abs(len(people) - len(others)) <= 1
        by_place = {tuple(np.round(person.keypoints[ours][:, :2], 1).ravel()): person for person in people.values()}
        found = 0
        for other in others:
            points = other.keypoints[theirs]
            near = min(
                by_place, key=lambda place, points=points: np.abs(np.reshape(place, (-1, 2)) - points[:, :2]).max()
            )
            found += bool(np.abs(np.reshape(near, (-1, 2)) - points[:, :2]).max() < 0.2)
        assert found >= len(others) - 1


def test_the_release_has_the_persons_of_the_json(base: Path) -> None:
    path = base / "mpii/annot/mpii_human_pose_v1_u12_1.mat"
    released = mpii_release.read_people(path, base / "mpii/images")
    listed = [person for split in ("train", "valid") for person in mpii.read_people(base / "mpii", split)]
    assert len(released) == len(listed)
    for one, other in zip(released, listed, strict=True):
        assert (one.image, one.category, one.activity) == (other.image, other.category, other.activity)
        np.testing.assert_allclose(one.keypoints[:, :2], other.keypoints[:, :2], atol=1e-3)
