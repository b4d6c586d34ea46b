"""Predictions of others: the published prediction sets give their known scores, and enter tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from benchbox import records
from benchbox.datasets.mpii_truth import open_truth
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.pose.skeleton import MPII16, mirror_order
from benchbox.saved import Saved
from benchbox.worker.judge import judge
from benchbox.worker.others import Case, read_others


@pytest.fixture(scope="module")
def expected(real_data: Path) -> dict[str, Any]:
    return json.loads((real_data / "eval_cases/expected.json").read_text())


def values(answer: dict[str, Any], protocol: str) -> dict[str, float]:
    """Return the scores of one protocol, by metric for the whole set and by group otherwise."""
    rows = [row for row in answer["rows"] if row["protocol"] == protocol]
    return {row["metric"] if row["group"] == "all" else row["group"]: row["value"] for row in rows}


@pytest.mark.parametrize("case", [0, 1])
def test_cocos_ten_numbers_are_those_known(
    case: int, real_data: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    name, known = list(expected["coco"].items())[case]
    folder = real_data / "eval_cases/coco"
    truth = real_data / "coco" / known["gt"] if "val2017" in known["gt"] else folder / Path(known["gt"]).name
    answer = judge(read_others(Case(folder / Path(name).name, "coco", truth, None, 1)), [], "", tmp_path)
    found = values(answer, "coco-kp/given")
    named = {"APm": "APM", "APl": "APL", "ARm": "ARM", "ARl": "ARL"}
    for metric in set(known) - {"gt"}:
        assert found[named.get(metric, metric)] / 100 == pytest.approx(known[metric], abs=1e-4), metric


@pytest.mark.parametrize("name", ["tompson.h5", "bearpaw-hg_s2_b1.mat"])
def test_pckh_is_what_each_convention_makes_of_it(
    name: str, real_data: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    folder, known = real_data / "eval_cases/mpii", expected["mpii"][name]
    asked = ["pckh@0.5/joints-v1", "pckh@0.5/hrnet-v1", "pckh@0.1/hrnet-v1"]
    answer = judge(read_others(Case(folder / name, "mpii", folder / "valid.json", None, 1)), asked, "", tmp_path)
    printed = {
        "pckh@0.5/joints-v1/given": "PCKh@0.5 bearpaw/Tompson script (d<0.5, mean over 14 joints)",
        "pckh@0.5/hrnet-v1/given": "PCKh@0.5 HRNet style (d<=0.5, pooled over 14 joints)",
    }
    for protocol, key in printed.items():
        found = values(answer, protocol)
        for column, value in known[key].items():
            group = "PCKh" if column == "Mean" else f"pair:{column}"
            assert found[group] == pytest.approx(value, abs=0.01), (protocol, column)
    assert values(answer, "pckh@0.1/hrnet-v1/given")["PCKh"] == pytest.approx(
        known["PCKh@0.1 HRNet style mean"], abs=0.01
    )
    pooled = values(answer, "pckh@0.5/hrnet-v1/given")
    joints = list(known["per joint (gt_valid.mat, <0.5)"].values())
    found_joints = [value for group, value in pooled.items() if group.startswith("joint:")]
    assert found_joints == pytest.approx(joints, abs=0.01)
    counts = {row["group"]: row["n"] for row in answer["rows"] if row["protocol"] == "pckh@0.5/hrnet-v1/given"}
    for category, (value, persons) in known["per category pooled PCKh@0.5"].items():
        if category:
            assert pooled[f"category:{category}"] == pytest.approx(value, abs=0.01), category
            assert counts[f"category:{category}"] == persons


@pytest.mark.parametrize("name", ["tompson.h5", "bearpaw-hg_s2_b1.mat"])
def test_mpiis_toolkit_has_a_head_of_its_own(
    name: str, real_data: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    folder = real_data / "eval_cases/mpii"
    case = Case(folder / name, "mpii", folder / "valid.h5", None, 1)
    found = values(judge(read_others(case), ["pckh@0.5/toolkit-v1"], "", tmp_path), "pckh@0.5/toolkit-v1/given")
    known = expected["mpii"][name]["PCKh@0.5 valid.h5 as GT, MPII toolkit style (Head=(neck+head)/2)"]
    for column, value in known.items():
        assert found["PCKh" if column == "Total" else f"pair:{column}"] == pytest.approx(value, abs=0.01), column


def test_the_conventions_of_the_field_differ_as_measured(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    wanted = {
        "pckh@0.5/hrnet-v1": 82.34,
        "pckh@0.5/joints-v1": 81.46,
        "pckh@0.5/columns-v1": 81.31,
        "pckh@0.5/all-joints-v1": 71.52,
        "pckh@0.526316/hrnet-v1": 83.13,
        "pckh@0.11/hrnet-v1": 33.14,
        "pckh@0.1/hrnet-v1": 28.98,
    }
    case = Case(folder / "tompson.h5", "mpii", folder / "valid.json", None, 1)
    answer = judge(read_others(case), list(wanted), "", tmp_path)
    found = {row["protocol"]: row["value"] for row in answer["rows"] if row["group"] == "all"}
    for protocol, value in wanted.items():
        assert found[f"{protocol}/given"] == pytest.approx(value, abs=0.006), protocol
    assert any("pelvis, thorax" in note for note in answer["notes"])


def test_the_nine_activities_hold_the_persons_of_the_facts(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    case = Case(folder / "bearpaw-hg_s2_b1.mat", "mpii", folder / "valid.json", None, 1)
    rows = judge(read_others(case), ["pckh@0.5/hrnet-v1"], "", tmp_path)["rows"]
    found = {row["group"]: (round(row["value"], 1), row["n"]) for row in rows if row["group"].startswith("activity:")}
    assert found == {
        "activity:Standing": (86.0, 129),
        "activity:Walking": (88.1, 120),
        "activity:Dancing": (86.4, 226),
        "activity:Skiing": (83.0, 56),
        "activity:Exercising": (90.7, 246),
        "activity:Bicycling": (90.3, 48),
        "activity:Mountain biking": (85.6, 25),
        "activity:Volleyball": (87.2, 31),
        "activity:Basketball": (88.1, 53),
    }


def test_forgetting_the_origin_moves_the_score_as_measured(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    one_based = scipy.io.loadmat(folder / "bearpaw-hg_s2_b1.mat")["preds"].astype(np.float64)
    scipy.io.savemat(tmp_path / "zero.mat", {"preds": one_based - 1})
    found = []
    for origin in (0, 1):
        case = Case(tmp_path / "zero.mat", "mpii", folder / "valid.json", None, origin)
        rows = judge(read_others(case), ["pckh@0.1/hrnet-v1", "pckh@0.5/hrnet-v1"], "", tmp_path)["rows"]
        found.append([row["value"] for row in rows if row["group"] == "all"])
    assert found[0] == pytest.approx([23.9136, 87.299], abs=1e-4)
    assert found[1] == pytest.approx([19.05, 87.067], abs=1e-3)


READINGS = {
    "x and y exchanged": lambda array: array[..., ::-1],
    "left and right joints exchanged": lambda array: array[:, mirror_order(16, MPII16.flip_pairs)],
    "coordinates half as large": lambda array: array * 2,
    "coordinates twice as large": lambda array: array / 2,
    "shares of the image": lambda array: array / array.max(),
    "next to nobody is found": lambda array: array[:, ::-1] + 500,
}


@pytest.mark.parametrize("name", READINGS)
def test_predictions_that_find_nobody_are_read_otherwise(name: str, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    array = scipy.io.loadmat(folder / "bearpaw-hg_s2_b1.mat")["preds"].astype(np.float64) - 1

    def notes(points: np.ndarray) -> str:
        scipy.io.savemat(tmp_path / "ours.mat", {"preds": points})
        case = Case(tmp_path / "ours.mat", "mpii", folder / "valid.json", None, 0)
        return " ".join(judge(read_others(case), ["pckh@0.5/hrnet-v1"], "", tmp_path)["notes"])

    said = notes(READINGS[name](array))
    assert [one for one in READINGS if one in said] == [name]
    assert not any(one in notes(array) for one in READINGS)
    people = open_truth(folder / "valid.json", folder / "images").people()
    assert "is it the ground truth itself?" in notes(np.stack([person.keypoints[:, :2] for person in people]))
    if "exchanged" in name:
        assert "it would be 87.3" in said


def test_cocos_result_files_are_read_otherwise_too(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/coco"
    truth = folder / "person_keypoints_val2014_first100.json"
    results = json.loads((folder / "person_keypoints_val2014_fakekeypoints100_results.json").read_text())
    for one in results:
        points = np.array(one["keypoints"]).reshape(17, 3)
        one["keypoints"] = points[:, [1, 0, 2]].ravel().tolist()
    (tmp_path / "turned.json").write_text(json.dumps(results))
    notes = judge(read_others(Case(tmp_path / "turned.json", "coco", truth, None, 1)), [], "", tmp_path)["notes"]
    assert any("with x and y exchanged it would be" in note for note in notes)


@pytest.mark.parametrize(
    ("suffix", "axes"), [("mat", (0, 1, 2)), ("mat", (2, 1, 0)), ("mat", (1, 2, 0)), ("mat", (0, 2, 1)), ("json", ())]
)
def test_the_order_of_the_axes_does_not_matter(
    suffix: str, axes: tuple[int, ...], real_data: Path, tmp_path: Path
) -> None:
    folder = real_data / "eval_cases/mpii"
    array = scipy.io.loadmat(folder / "bearpaw-hg_s2_b1.mat")["preds"].astype(np.float64)
    file = tmp_path / f"predictions.{suffix}"
    if suffix == "mat":
        scipy.io.savemat(file, {"preds": array.transpose(axes)})
    else:
        file.write_text(json.dumps({"preds": array.tolist()}))
    rows = judge(read_others(Case(file, "mpii", folder / "valid.json", None, 1)), [], "", tmp_path)["rows"]
    assert rows[0]["value"] == pytest.approx(87.299, abs=0.001)


def test_saved_predictions_keep_their_records_and_can_be_replaced(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    for name in ("tompson.h5", "bearpaw-hg_s2_b1.mat"):
        case = Case(folder / name, "mpii", folder / "valid.json", None, 1)
        judge(read_others(case), ["pckh@0.5/hrnet-v1/gt-boxes/flip"], "theirs", tmp_path)
    saved = Saved(tmp_path / "predictions/theirs")
    assert [entry.name for entry in saved.path.parent.iterdir()] == ["theirs"]
    assert saved.read()["predictions"] == "bearpaw-hg_s2_b1.mat"
    assert records.read(saved.table("people"), "people").num_rows == 2958
    scores = records.read(saved.table("scores"), "scores").to_pylist()
    assert scores[0]["protocol"] == "pckh@0.5/hrnet-v1/gt-boxes/flip"
    assert scores[0]["value"] == pytest.approx(87.299, abs=0.001)


def test_a_declared_way_of_predicting_must_be_one(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases/mpii"
    case = Case(folder / "tompson.h5", "mpii", folder / "valid.json", None, 1)
    with pytest.raises(InvalidInput, match="disagree"):
        judge(read_others(case), ["pckh@0.5/hrnet-v1/gt-boxes/flip", "pckh@0.1/hrnet-v1/gt-boxes/noflip"], "", tmp_path)
    with pytest.raises(InvalidInput, match="a name is 1 to 64"):
        judge(read_others(case), [], "../theirs", tmp_path)
    with pytest.raises(CannotJudge, match="no COCO ground truth"):
        judge(read_others(case), ["coco-kp"], "", tmp_path)
    with pytest.raises(InvalidInput, match="lsp-v1 is for lsp14, not mpii16"):
        judge(read_others(case), ["pck@0.2/lsp-v1"], "", tmp_path)
    assert not (tmp_path / "predictions").exists() or not list((tmp_path / "predictions").iterdir())


def test_scores_need_annotations_and_no_images(real_data: Path, tmp_path: Path) -> None:
    folder, annotations = real_data / "eval_cases/mpii", tmp_path / "data/mpii/annot"
    annotations.mkdir(parents=True)
    for name in ("valid.json", "gt_valid.mat"):
        shutil.copy(folder / name, annotations / name)
    case = Case(folder / "bearpaw-hg_s2_b1.mat", "mpii", None, tmp_path / "data", 1)
    found = values(judge(read_others(case), ["pckh@0.5/hrnet-v1"], "", tmp_path), "pckh@0.5/hrnet-v1/given")
    assert found["PCKh"] == pytest.approx(87.299, abs=0.001)


def test_another_ground_truth_is_named_with_the_way_to_the_right_one(real_data: Path, tmp_path: Path) -> None:
    cases = real_data / "eval_cases"
    small = real_data / "mpii/annot/valid.json"
    with pytest.raises(InvalidInput, match=r"2958 people, but 135 in .*mpii/annot/valid.json \(--dataset NAME:SPLIT"):
        judge(read_others(Case(cases / "mpii/bearpaw-hg_s2_b1.mat", "mpii", small, None, 1)), [], "", tmp_path)
    of_2017 = cases / "coco/keypoints_val2017_movenet_lightning_ptq_gtbbox.json"
    of_2014 = cases / "coco/person_keypoints_val2014_first100.json"
    with pytest.raises(InvalidInput, match=r"image_id \d+ is not in .*val2014_first100.json \(--dataset NAME:SPLIT"):
        judge(read_others(Case(of_2017, "coco", of_2014, None, 1)), [], "", tmp_path)
    with pytest.raises(EnvironmentProblem, match=r'annot/val.json \(.*did you mean "valid.json"'):
        judge(read_others(Case(cases / "mpii/tompson.h5", "mpii:val", None, real_data, 1)), [], "", tmp_path)
