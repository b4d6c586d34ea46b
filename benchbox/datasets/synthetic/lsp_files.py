"""Write the persons as LSP-extended does: one person per image, 14 joints in joints.mat, and the splits.

Made from the MPII files of the same set when somebody asks for them, since few do.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchbox.datasets.synthetic.mpii_files import write_mat
from benchbox.errors import EnvironmentProblem, InvalidInput
from benchbox.pose.skeleton import LSP14, MPII16

CAPACITY = 10_000  # images that LSP-extended's joints.mat has room for
_SPLITS = {"train": "train", "test": "valid"}
_FROM_MPII = [MPII16.joints.index(joint) for joint in LSP14.joints]


def prepare(base: Path) -> Path:
    """Return the folder `lsp` of an embedded data set, made on the first call.

    Of an image with several persons only the first counts, as LSP labels one per image.

    Args: base: of `files.prepare`.

    Raises:
        InvalidInput: the set has more images than LSP-extended's file has room for.
        EnvironmentProblem: the folder cannot be written.
    """
    final = base / "lsp"
    if final.is_dir():
        return final
    try:
        draft = Path(tempfile.mkdtemp(prefix=".lsp-", dir=base))
        try:
            _write(base / "mpii", draft)
            draft.chmod(0o755)
            os.rename(draft, final)
        except OSError:
            if not final.is_dir():  # another process was faster; its files are the same
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise EnvironmentProblem(f"cannot make {final}: {error.strerror or error}") from None
    return final


def _write(mpii: Path, folder: Path) -> None:
    (folder / "images").mkdir()
    joints = np.zeros((len(LSP14.joints), 3, CAPACITY))
    splits: dict[str, list[int]] = {}
    number = 0
    for split, theirs in _SPLITS.items():
        splits[split] = []
        for image, entry in _first_persons(mpii / "annot" / f"{theirs}.json").items():
            number += 1
            if number > CAPACITY:
                raise InvalidInput(f"{mpii.parent}: LSP-extended's file has room for {CAPACITY} images")
            labelled = np.array(entry["joints_vis"])[_FROM_MPII]
            joints[:, :2, number - 1] = np.array(entry["joints"])[_FROM_MPII] * labelled[:, None]
            joints[:, 2, number - 1] = labelled
            os.link(mpii / "images" / image, folder / "images" / f"im{number:05d}.jpg")
            splits[split].append(number)
    write_mat(folder / "joints.mat", {"joints": joints})
    (folder / "splits.json").write_text(json.dumps(splits), encoding="utf-8")


def _first_persons(file: Path) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for entry in json.loads(file.read_text(encoding="utf-8")):
        entries.setdefault(entry["image"], entry)
    return entries
