from __future__ import annotations

import numpy as np
import pytest

from benchbox.pose.oks import nms, oks_matrix, rescore, soft_nms
from benchbox.pose.skeleton import COCO17
from tests.parity.golden import cases, entries


@pytest.mark.parametrize("case", cases("oks_nms"))
def test_similarity_and_suppression(case):
    oks = oks_matrix(case["keypoints"], case["area"], sigmas=COCO17.sigmas)
    np.testing.assert_allclose(oks, case["oks"], rtol=0, atol=1e-9)
    for percent in (90, 50, 20):
        assert nms(oks, case["score"], threshold=percent / 100).tolist() == case[f"keep_{percent}"].tolist()
        soft = soft_nms(oks, case["score"], threshold=percent / 100)
        assert soft.tolist() == case[f"softkeep_{percent}"].tolist()


@pytest.mark.parametrize("entry", entries("coco_rescoring"))
def test_rescoring(entry):
    keypoints = np.array(entry["preds"], dtype=np.float32)
    boxes = np.array(entry["boxes"])
    kept, scores = rescore(
        keypoints,
        boxes[:, 5],
        np.array(entry["image_id"]),
        boxes[:, 4],
        sigmas=COCO17.sigmas,
        visible_threshold=entry["in_vis_thre"],
        oks_threshold=entry["oks_thre"],
    )
    expected = entry["results"]
    assert [entry["image_id"][i] for i in kept] == [r["image_id"] for r in expected]
    np.testing.assert_allclose(scores[kept], [r["score"] for r in expected], rtol=0, atol=1e-5)
    found = keypoints[kept].reshape(len(kept), -1)
    np.testing.assert_array_equal(found, np.array([r["keypoints"] for r in expected], dtype=np.float32))
