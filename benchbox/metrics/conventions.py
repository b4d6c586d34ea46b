"""How PCKh and PCK become the numbers of a table: which joints enter, how they are averaged, what hits.

The same predictions give 71.5 to 83.1 under the conventions seen in public: each has a name, every number says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MPII_LEFT_OUT = (6, 7)
"""Pelvis and thorax, which HRNet does not count."""
COLUMNS: dict[str, dict[str, tuple[int, ...]]] = {
    "mpii16": {
        "Head": (9,),
        "Shoulder": (12, 13),
        "Elbow": (11, 14),
        "Wrist": (10, 15),
        "Hip": (2, 3),
        "Knee": (1, 4),
        "Ankle": (0, 5),
    },
    # Differs: COCO labels no head top; the column averages its five joints of the face.
    "coco17": {
        "Head": (0, 1, 2, 3, 4),
        "Shoulder": (5, 6),
        "Elbow": (7, 8),
        "Wrist": (9, 10),
        "Hip": (11, 12),
        "Knee": (13, 14),
        "Ankle": (15, 16),
    },
    # Head averages neck and head top, as MPII's toolkit does for LSP.
    "lsp14": {
        "Head": (12, 13),
        "Shoulder": (8, 9),
        "Elbow": (7, 10),
        "Wrist": (6, 11),
        "Hip": (2, 3),
        "Knee": (1, 4),
        "Ankle": (0, 5),
    },
}
"""The columns of the papers' tables: joints of each, by name of the skeleton."""

_TOOLKIT_COLUMNS = MappingProxyType({**COLUMNS["mpii16"], "Head": (8, 9)})


@dataclass(frozen=True)
class Convention:
    """One way of counting.

    Args:
        metric: pckh (errors in head sizes) or pck (in torso sizes).
        skeleton: whose joints.
        columns: of the table: joints of each, plainly averaged.
        mean: pooled (joints weighted by their counts), joints (plain mean of the joints) or columns (of the columns).
        leave_out: joints that enter neither a pooled mean nor a mean of joints.
        inclusive: whether a joint exactly at the threshold is found.
    """

    metric: str
    skeleton: str
    columns: Mapping[str, tuple[int, ...]]
    mean: str = "pooled"
    leave_out: tuple[int, ...] = ()
    inclusive: bool = True


CONVENTIONS: dict[str, Convention] = {
    # HRNet, and mmpose's "Mean" too. HRNet prints as "Mean@0.1" what is pckh@0.11 here, mmpose what is pckh@0.1.
    "hrnet-v1": Convention("pckh", "mpii16", COLUMNS["mpii16"], leave_out=MPII_LEFT_OUT),
    # The evaluation scripts of pytorch-pose and of Tompson's predictions.
    "joints-v1": Convention("pckh", "mpii16", COLUMNS["mpii16"], "joints", MPII_LEFT_OUT, inclusive=False),
    # What a reader computes from a printed row.
    "columns-v1": Convention("pckh", "mpii16", COLUMNS["mpii16"], "columns"),
    # MPII's own toolkit: the column Head averages upper neck and head top.
    "toolkit-v1": Convention("pckh", "mpii16", _TOOLKIT_COLUMNS, leave_out=MPII_LEFT_OUT),
    # "Average accuracy over all body joints" (mrn-attention, section 4), read literally: pelvis and thorax count.
    "all-joints-v1": Convention("pckh", "mpii16", COLUMNS["mpii16"]),
    "coco17": Convention("pckh", "coco17", COLUMNS["coco17"]),
    # Torso size = left shoulder to right hip.
    "lsp-v1": Convention("pck", "lsp14", COLUMNS["lsp14"]),
}
"""Conventions by the name that stands in a protocol's id."""

DEFAULT = {"mpii16": "hrnet-v1", "coco17": "coco17", "lsp14": "lsp-v1"}
"""The convention of each skeleton that is reported where none is asked for."""
