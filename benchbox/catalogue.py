"""The data sets that benchbox reads: where they belong, where they come from, how many people they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A file or folder of a data set, below the data root; `suffix` marks a folder of such files."""

    path: str
    what: str
    suffix: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Entry:
    """One data set.

    Args:
        title: its name.
        parts: what lies where, below the data root.
        addresses: where it comes from.
        people: persons with keypoints in the official splits, by split.
        layout: one line that says where files belong.
        licence: one line.
        split_file: where the annotations of a split lie, below the data root; empty where all are in one file.
    """

    title: str
    parts: tuple[Part, ...]
    addresses: tuple[str, ...]
    people: Mapping[str, int]
    layout: str
    licence: str
    split_file: str = ""


CATALOGUE: dict[str, Entry] = {
    "coco": Entry(
        "COCO person keypoints",
        (
            Part("coco/annotations/person_keypoints_train2017.json", "annotations to train on"),
            Part("coco/annotations/person_keypoints_val2017.json", "annotations to test on"),
            Part("coco/train2017", "images to train on", ".jpg"),
            Part("coco/val2017", "images to test on", ".jpg"),
            Part(
                "coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json",
                "the field's person detections (AP 56.4)",
            ),
        ),
        (
            "http://images.cocodataset.org/zips/train2017.zip",
            "http://images.cocodataset.org/zips/val2017.zip",
            "http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
            "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch (its README links the detections)",
        ),
        {"train2017": 149_813, "val2017": 6_352},
        "coco/annotations/person_keypoints_SPLIT.json and the images in coco/SPLIT/",
        "annotations CC BY 4.0; every image under its own Flickr licence",
        "coco/annotations/person_keypoints_{}.json",
    ),
    "mpii": Entry(
        "MPII Human Pose",
        (
            Part("mpii/annot/train.json", "annotations to train on, in HRNet's layout"),
            Part("mpii/annot/valid.json", "annotations to test on"),
            Part("mpii/annot/gt_valid.mat", "ground truth and head boxes of the test split"),
            Part("mpii/images", "images of all splits", ".jpg"),
            Part("mpii/annot/activities.json", "category and activity of every image", needed=False),
            Part("mpii/annot/mpii_human_pose_v1_u12_1.mat", "the official release", needed=False),
        ),
        (
            "http://human-pose.mpi-inf.mpg.de (images and the official release)",
            "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch (its README links annot/)",
        ),
        {"train": 22_246, "valid": 2_958},
        "mpii/annot/SPLIT.json, mpii/annot/gt_valid.mat and the images in mpii/images/",
        "annotations Simplified BSD; images for non-commercial research",
        "mpii/annot/{}.json",
    ),
    "lsp": Entry(
        "Leeds Sports Pose",
        (Part("lsp/joints.mat", "joints, 3 x 14 x 2000"), Part("lsp/images", "images im0001.jpg ...", ".jpg")),
        ("http://sam.johnson.io/research/lsp.html",),
        {"train": 1_000, "test": 1_000},
        "lsp/joints.mat and the images in lsp/images/",
        "none stated; cite Johnson and Everingham, BMVC 2010",
    ),
    "lspet": Entry(
        "Leeds Sports Pose Extended",
        (
            Part("lspet/joints.mat", "joints, 14 x 3 x 10000"),
            Part("lspet/images", "images im00001.jpg ...", ".jpg"),
            Part("lspet/splits.json", "numbers of the images of each split", needed=False),
        ),
        ("http://sam.johnson.io/research/lspet.html",),
        {"train": 10_000},
        "lspet/joints.mat and the images in lspet/images/",
        "none stated; cite Johnson and Everingham, CVPR 2011",
    ),
}
