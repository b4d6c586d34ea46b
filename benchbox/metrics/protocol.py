"""Protocol ids: one grammar that says everything that changes a score.

id      = metric [ "@" threshold ] "/" part { "/" part }
metric  = coco-kp | pckh
part    = convention of the metric, whose boxes, then every choice of the test, in this order:
          (coco-kp) gt-boxes | det-56.4     (pckh) coco17/gt-boxes
          flip | flip-noshift | noflip       argmax (only where it is not the quarter offset)
"""

from __future__ import annotations

import re

GRAMMAR = re.compile(r"(coco-kp|pckh@0\.\d+)(/[a-z0-9][a-z0-9.-]*)+")
PCKH_THRESHOLD = 0.5


def coco_keypoints(*, boxes: str, flip_test: bool, flip_shift: bool, decode: str) -> str:
    """Name the protocol of COCO's keypoint AP, e.g. `coco-kp/gt-boxes/flip`."""
    return "/".join(["coco-kp", _boxes(boxes), *_test(flip_test, flip_shift, decode)])


def pckh(*, threshold: float, skeleton: str, boxes: str, flip_test: bool, flip_shift: bool, decode: str) -> str:
    """Name the protocol of PCKh over all labelled joints of a skeleton, e.g. `pckh@0.5/coco17/gt-boxes/flip`."""
    return "/".join([f"pckh@{threshold:g}", skeleton, _boxes(boxes), *_test(flip_test, flip_shift, decode)])


def _boxes(boxes: str) -> str:
    return {"ground-truth": "gt-boxes", "detector": "det-56.4"}[boxes]


def _test(flip_test: bool, flip_shift: bool, decode: str) -> list[str]:
    flip = ("flip" if flip_shift else "flip-noshift") if flip_test else "noflip"
    return [flip] + ([] if decode == "quarter" else [decode])
