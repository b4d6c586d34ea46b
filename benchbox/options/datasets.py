"""Options of the data sets: what is trained on, what is tested on, and which files that needs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from benchbox.errors import InvalidInput
from benchbox.options.base import Options, Size

SYNTHETIC_VERSION = 1
"""Version of the embedded data's generator; part of the id of every job that uses it."""

JOINTS = {"coco17": 17, "mpii16": 16, "lsp14": 14}
"""Number of joints by skeleton."""

MPII_RELEASE = "mpii_human_pose_v1_u12_1.mat"
"""The official file of annotations."""

_SPLIT = r"^[A-Za-z0-9_]+$"


class DatasetOptions(Options):
    """Base of the data sets: which joints they label and which files they need.

    name: which data set.
    """

    @property
    def skeleton(self) -> str:
        """Name the skeleton."""
        raise NotImplementedError

    @property
    def joints(self) -> int:
        """Return the number of joints.

        Raises: InvalidInput for a skeleton that is not listed.
        """
        if self.skeleton not in JOINTS:
            raise InvalidInput(f"skeleton {self.skeleton}: has no line in JOINTS of benchbox/options/datasets.py")
        return JOINTS[self.skeleton]

    def files(self, split: str) -> tuple[str, ...]:
        """List the annotation files without which a split cannot be read, below the data root."""
        return ()


class CocoOptions(DatasetOptions):
    """COCO person keypoints.

    train, test: the folder of a split's images. input: height and width of the crops in pixels.
    """

    name: Literal["coco"]
    train: str = Field("train2017", pattern=_SPLIT, max_length=64)
    test: str = Field("val2017", pattern=_SPLIT, max_length=64)
    input: Size = (256, 192)

    @property
    def skeleton(self) -> str:
        return "coco17"

    def files(self, split: str) -> tuple[str, ...]:
        return (f"coco/annotations/person_keypoints_{split}.json",)

    def detections(self, named: str) -> str:
        """Name a file of person detections below the data root; the field's own (AP 56.4 on val2017) when not named."""
        return f"coco/person_detection_results/{named or f'COCO_{self.test}_detections_AP_H_56_person'}.json"


class MpiiOptions(DatasetOptions):
    """MPII Human Pose.

    train, test: a split, by the name of HRNet's JSON file. input: height and width of the crops in pixels. annotations:
    hrnet reads those files; release reads the official .mat, test persons being those of the images that HRNet's JSON
    of the test split names, all others to train on. people: complete leaves out those that have a joint without a
    label, in training and test.
    """

    name: Literal["mpii"]
    train: str = Field("train", pattern=_SPLIT, max_length=64)
    test: str = Field("valid", pattern=_SPLIT, max_length=64)
    input: Size = (256, 256)
    annotations: Literal["hrnet", "release"] = "hrnet"
    people: Literal["all", "complete"] = "all"

    @property
    def skeleton(self) -> str:
        return "mpii16"

    def files(self, split: str) -> tuple[str, ...]:
        if self.annotations == "release":
            return (f"mpii/annot/{MPII_RELEASE}", f"mpii/annot/{self.test}.json")
        return (f"mpii/annot/{split}.json",)


class LspOptions(DatasetOptions):
    """Leeds Sports Pose (lsp) or its extended training set (lspet).

    train, test: a split. input: height and width of the crops in pixels.
    """

    name: Literal["lsp", "lspet"]
    train: Literal["train", "val", "test"] = "train"
    test: Literal["train", "val", "test"] = "test"
    input: Size = (256, 256)

    @property
    def skeleton(self) -> str:
        return "lsp14"

    def files(self, split: str) -> tuple[str, ...]:
        return (f"{self.name}/joints.mat",)


class SyntheticOptions(DatasetOptions):
    """The embedded persons.

    train, test: number of images. input: height and width of the crops in pixels. layout: whose files and joints.
    """

    name: Literal["synthetic"]
    train: int = Field(6000, ge=1, le=200_000)
    test: int = Field(1000, ge=1, le=50_000)
    input: Size = (64, 64)
    layout: Literal["coco", "mpii", "lsp"] = "coco"

    @property
    def skeleton(self) -> str:
        return {"coco": "coco17", "mpii": "mpii16", "lsp": "lsp14"}[self.layout]


DATASETS = CocoOptions | MpiiOptions | LspOptions | SyntheticOptions
