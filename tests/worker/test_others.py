"""Predictions that do not fit a ground truth are told without what takes long to load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from benchbox.worker.others import Case, read_others

REFUSED = """\
import sys
from benchbox.worker.__main__ import main
code = main(sys.argv[1:])
print(code, *sorted({"torch", "pandas", "pyarrow", "scipy", "cv2"} & sys.modules.keys()))
"""


def said(file: Path, truth: Path) -> tuple[str, str]:
    words = ["score", str(file), "--dataset", "mpii", "--truth", str(truth), "--results", "results"]
    done = subprocess.run([sys.executable, "-c", REFUSED, *words], capture_output=True, text=True, cwd=file.parent)
    return done.stdout.strip(), done.stderr.strip()


def of_mat(file: Path, packed: bool) -> Path:
    scipy.io.savemat(file, {"preds": np.zeros((10, 16, 2)), "note": "by hand"}, do_compression=packed)
    return file


@pytest.mark.parametrize("truth", ["valid.json", "valid.h5"])
@pytest.mark.parametrize("name", ["plain.mat", "packed.mat", "array.h5"])
def test_another_number_of_people_waits_for_no_scipy(name: str, truth: str, real_data: Path, tmp_path: Path) -> None:
    file = tmp_path / name
    if file.suffix == ".mat":
        of_mat(file, name == "packed.mat")
    else:
        with h5py.File(file, "w") as content:
            content["preds"] = np.zeros((10, 16, 2))
    modules, line = said(file, real_data / "eval_cases/mpii" / truth)
    assert modules == "2"
    assert line.startswith(f"{file}: predictions of 10 people, but 2958 in ")


def test_what_fits_is_read_by_scipy(real_data: Path, tmp_path: Path) -> None:
    """Or the test above could not fail."""
    folder = real_data / "eval_cases/mpii"
    modules, line = said(folder / "bearpaw-hg_s2_b1.mat", folder / "valid.json")
    assert "scipy" in modules
    assert line == ""


def test_predictions_that_stand_again_are_counted(real_data: Path, tmp_path: Path) -> None:
    truth = real_data / "coco/annotations/person_keypoints_val2017.json"
    image = json.loads(truth.read_text())["images"][0]["id"]
    one, other = ({"image_id": image, "category_id": 1, "keypoints": [float(x)] * 51, "score": 0.5} for x in range(2))

    def notes(*results: dict[str, object]) -> list[str]:
        (tmp_path / "results.json").write_text(json.dumps(results))
        return read_others(Case(tmp_path / "results.json", "coco", truth, None, 1)).notes[1:]

    assert notes(one, other) == []
    assert notes(one, other, one, one | {"score": 0.4}) == [
        "2 predictions stand again in the same image with the same numbers; AP counts each"
    ]
