"""What the README shows under "Adding your own", done as it stands there in a copy of the package, and used."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchbox.datasets import lsp
from benchbox.datasets.synthetic import files, lsp_files
from tests import readme

pytestmark = pytest.mark.studies
BLOCK = re.compile(r"<!-- (new|change|study): (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def checkout(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with everything added that the README shows."""
    copy = tmp_path_factory.mktemp("adding")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "benchbox", copy / "benchbox", ignore=ignored)
    (copy / "ablations").mkdir()
    for kind, name, text in BLOCK.findall(readme.README.read_text(encoding="utf-8")):
        file = copy / ("ablations" if kind == "study" else "") / name
        assert file.exists() == (kind == "change"), name
        file.write_text(changed(file.read_text(encoding="utf-8"), text) if kind == "change" else text, encoding="utf-8")
    return copy


def changed(text: str, diff: str) -> str:
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    assert text.count(before) == 1, f"not there, or more than once:\n{before}"
    return text.replace(before, "".join(line[1:] for line in lines if line[0] in " +"))


def call(checkout: Path, cache: Path, *words: str) -> str:
    given = {"PYTHONPATH": str(checkout), "BENCHBOX_CACHE": str(cache), "BENCHBOX_DATA": str(checkout / "data")}
    given |= {"CUDA_VISIBLE_DEVICES": "", "CI": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "benchbox", *words]
    done = subprocess.run(command, cwd=checkout, env={**os.environ, **given}, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def scored(checkout: Path, cache: Path, study: str, arm: str) -> list[dict[str, Any]]:
    """Run one arm of a study and return its rows in a table of all."""
    file = f"ablations/{study}.toml"
    call(checkout, cache, "run", file, "--scale", "paper", "--only", arm)
    rows: list[dict[str, Any]] = json.loads(call(checkout, cache, "table", file, "--json"))["rows"]
    assert [row["arm"] for row in rows if row["state"] == "done"] == [arm]
    return rows


def test_a_module_trains_and_is_drawn(checkout: Path, cache: Path) -> None:
    rows = scored(checkout, cache, "eca", "ECA in stage 1")
    none, _, eca = (row["costs"]["parameters"] for row in rows)
    assert eca - none == 3 * 2  # three weights in each of the two branches of stage 1
    planned = json.loads(call(checkout, cache, "plan", "ablations/eca.toml", "--scale", "paper", "--json"))
    job = planned["rows"][2]["job"]
    picture = next(cache.glob("synthetic-*/coco/train/*.jpg"))  # not what another test is still making
    call(checkout, cache, "predict", str(picture), "--run", job, "--show", "attention", "--out", "drawn")
    assert list((checkout / "drawn").glob("*attention*"))


def test_a_network_trains(checkout: Path, cache: Path) -> None:
    wide, narrow = (row["costs"]["parameters"] for row in scored(checkout, cache, "plain", "16 channels"))
    assert (wide, narrow) == tuple(
        3 * 9 * width + 2 * 9 * width * width + 3 * 2 * width + 17 * (width + 1) for width in (64, 16)
    )


def test_a_data_set_is_checked_and_trained_on(checkout: Path, cache: Path) -> None:
    base = files.prepare(cache, train=64, test=16)
    made = lsp_files.prepare(base)
    folder = checkout / "data/listed"
    (folder / "images").mkdir(parents=True)
    for split in ("train", "test"):
        people = lsp.read_people(made, split)
        with open(folder / f"{split}.csv", "w", newline="") as file:
            for person in people:
                shutil.copy(person.image, folder / "images" / person.image.name)
                csv.writer(file).writerow([person.image.name, *np.ravel(person.keypoints).tolist()])
    told = call(checkout, cache, "data", "check", "listed")
    assert "listed" in told
    rows = scored(checkout, cache, "listed", "without")
    assert "pck@0.2/lsp-v1/gt-boxes" in str(rows[1]["cells"])


def test_a_paper_has_its_table_and_claims(checkout: Path, cache: Path) -> None:
    lines = (
        readme.shown("run ablations/flipping.toml"),
        readme.shown("table --paper flipping"),
        readme.shown("claims --paper flipping"),
    )
    _, table, claims = (call(checkout, cache, *shlex.split(line)[1:]) for line in lines)
    assert "71.0" in table
    assert "flipping gains 0.9 points" in claims
