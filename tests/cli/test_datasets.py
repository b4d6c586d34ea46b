"""What lies where, and the doctor of data sets."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchbox.catalogue import CATALOGUE
from benchbox.cli.datasets import SHARES, _counts
from benchbox.cli.folders import require_data
from benchbox.config import JobConfig
from benchbox.datasets.people_checks import side_counts
from benchbox.datasets.synthetic import files
from benchbox.errors import EnvironmentProblem
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17
from tests import readme

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data(cache: Path, tmp_path: Path) -> Path:
    """A data root with the embedded persons under COCO's and MPII's names."""
    made = files.prepare(cache, train=12, test=8)
    for name in ("coco", "mpii"):
        shutil.copytree(made / name, tmp_path / "data" / name)
    return tmp_path / "data"


def test_the_list_tells_what_is_missing_and_where_it_comes_from(benchbox: Call, data: Path) -> None:
    done = benchbox("data", "list", "--json", BENCHBOX_DATA=str(data))
    assert done.returncode == 0
    listed = json.loads(done.stdout)
    states = {row["path"]: (row["state"], row["count"]) for row in listed["rows"]}
    assert states["mpii/annot/train.json"] == ("found", None)
    assert states["mpii/images"] == ("found", 20)
    assert states["coco/annotations/person_keypoints_train2017.json"] == ("missing", None)
    assert any(CATALOGUE["lsp"].addresses[0] in note for note in listed["footnotes"])
    assert benchbox("data", BENCHBOX_DATA=str(data)).stdout == benchbox("data", "list", BENCHBOX_DATA=str(data)).stdout
    bare = benchbox("data", "list", "--format", "md")
    assert bare.returncode == 0
    assert "BENCHBOX\\_DATA is not set" in bare.stdout
    for entry in CATALOGUE.values():
        assert entry.layout.replace("_", "\\_") in bare.stdout


def test_a_sound_set_passes_and_a_damaged_one_does_not(benchbox: Call, data: Path) -> None:
    sound = benchbox("data", "check", "mpii", "--json", BENCHBOX_DATA=str(data))
    assert sound.returncode == 0, sound.stdout
    assert json.loads(sound.stdout)["title"] == "mpii: nothing wrong in 2 splits"
    reports = {report["split"]: report for report in json.loads(sound.stdout)["reports"]}
    assert set(reports) == {"train", "valid"}
    assert reports["valid"]["counts"]["persons"] == len(json.loads((data / "mpii/annot/valid.json").read_text()))
    images = sorted((data / "mpii/images").glob("1*.jpg"))
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:100])
    bad = benchbox("data", "check", "mpii", "--json", BENCHBOX_DATA=str(data))
    assert bad.returncode == 1
    assert readme.undocumented(json.loads(bad.stdout)) == set()
    found = " ".join(row["examples"] for row in json.loads(bad.stdout)["rows"])
    assert images[0].name in found
    assert images[1].name in found


def test_what_is_not_there_is_4_and_what_is_no_data_set_2(benchbox: Call, data: Path) -> None:
    assert benchbox("data", "check", "coco").returncode == 4
    gone = benchbox("data", "check", "lsp", BENCHBOX_DATA=str(data))
    assert gone.returncode == 4
    assert "lsp/joints.mat" in gone.stderr
    wrong = benchbox("data", "check", "mpi", BENCHBOX_DATA=str(data))
    assert wrong.returncode == 2
    assert 'did you mean "mpii"?' in wrong.stderr


def test_a_root_one_folder_too_deep_or_not_there_is_told(benchbox: Call, data: Path, root: Path) -> None:
    right, deep = f"did you mean BENCHBOX_DATA={data}?", str(data / "mpii")
    assert right in benchbox("data", "check", "mpii", BENCHBOX_DATA=deep).stderr
    assert right in "".join(json.loads(benchbox("data", "list", "--json", BENCHBOX_DATA=deep).stdout)["footnotes"])
    assert right not in benchbox("data", "check", "lsp", BENCHBOX_DATA=deep).stderr
    configs = [JobConfig.model_validate({"dataset": {"name": "mpii"}, "model": {"name": "hrnet"}})]
    with pytest.raises(EnvironmentProblem, match=re.escape(right)):
        require_data(configs, data / "mpii")
    gone = benchbox("data", "list", "--json", BENCHBOX_DATA=str(data / "nowhere"))
    assert f"BENCHBOX_DATA: {data / 'nowhere'}: no such folder" in json.loads(gone.stdout)["footnotes"][0]


def test_a_share_is_told_in_words_with_what_is_usual() -> None:
    said = _counts({"counts": {"persons": 1200, "left shoulder on the right, %": 84.0}})
    assert said.startswith("1,200 persons, 84.0 % have the left shoulder on the image's right (usual: 84 and more")
    people = [Person(0, 0, Path("x.jpg"), (0.0, 0.0, 9.0, 9.0), np.full((17, 3), 2.0, np.float32), 81.0)]
    assert SHARES.keys() < side_counts(people, COCO17).keys()


@pytest.mark.studies
def test_real_samples_are_sound(benchbox: Call, real_data: Path) -> None:
    for name in ("coco:val2017", "mpii:valid", "lspet:val"):
        done = benchbox("data", "check", name, BENCHBOX_DATA=str(real_data))
        assert done.returncode == 0, done.stdout
