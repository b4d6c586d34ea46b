from __future__ import annotations

import numpy as np
import pytest

from benchbox.pose.people import head_size
from benchbox.pose.skeleton import COCO17, LSP14, SKELETONS, mirror_order


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_a_skeleton_is_consistent(skeleton):
    assert SKELETONS[skeleton.name] is skeleton
    count = len(skeleton.joints)
    assert len(set(skeleton.joints)) == count
    assert len(skeleton.sigmas) in (0, count)
    for a, b in skeleton.flip_pairs:
        names = sorted((skeleton.joints[a], skeleton.joints[b]))
        assert names[0].startswith("left_")
        assert names[1] == names[0].replace("left_", "right_")
    sided = [name for name in skeleton.joints if name.startswith(("left_", "right_"))]
    assert len(sided) == 2 * len(skeleton.flip_pairs)
    assert {joint for limb in skeleton.limbs for joint in limb} == set(range(count))
    assert set(skeleton.upper_body) < set(range(count))


def test_the_oks_constants_are_those_of_pycocotools():
    params = pytest.importorskip("pycocotools.cocoeval").Params(iouType="keypoints")
    np.testing.assert_allclose(COCO17.sigmas, params.kpt_oks_sigmas)


def test_the_joints_of_lsp_are_in_the_order_of_its_own_description(real_data):
    lines = (real_data / "lspet" / "README.txt").read_text().splitlines()
    start = lines.index(next(line for line in lines if line.strip() == "Right ankle"))
    described = [line.strip().lower().replace(" ", "_") for line in lines[start : start + 14]]
    assert [name.replace("neck", "upper_neck") for name in described] == list(LSP14.joints)


def test_mirror_order_swaps_pairs_only():
    assert mirror_order(5, [(1, 2), (4, 3)]).tolist() == [0, 2, 1, 4, 3]


def test_head_size_is_six_tenths_of_the_diagonal():
    assert head_size(np.array([[10, 10, 40, 50], [0, 0, 0, 10]])).tolist() == pytest.approx([30.0, 6.0])
