"""The JSON schema of studies, by a validator of others: what a study may be, it lets through; what not, it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from benchbox.cli.draft import GROUNDS, VARIATIONS, Choice, text_of
from benchbox.cli.study_schema import study_schema
from benchbox.config import JobConfig
from benchbox.errors import InvalidInput
from benchbox.gates.declaration import read_gates
from benchbox.networks import networks
from benchbox.plan import expand
from benchbox.spec import read_study
from tests.test_spec import STUDY

Call = Callable[..., subprocess.CompletedProcess[str]]
SCHEMA = study_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def mistakes(text: str) -> list[str]:
    return [problem.message for problem in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema_and_the_verb_prints_it(benchbox: Call) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    done = benchbox("init", "--schema")
    assert done.returncode == 0
    assert json.loads(done.stdout) == SCHEMA


def test_every_study_of_ours_is_one(root: Path) -> None:
    files = sorted((root / "ablations").glob("*.toml"))
    assert len(files) >= 7
    for file in files:
        assert mistakes(file.read_text(encoding="utf-8")) == [], file
    (example,) = re.findall(r"```toml\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert mistakes(example) == []


def test_every_draft_is_one() -> None:
    for network in networks():
        words = VARIATIONS if network.model["name"] not in ("acnn", "mrn") else ("attention",)
        for vary, data in (*((word, "mpii") for word in words), *(("train.lr=1e-3,5e-4", data) for data in GROUNDS)):
            assert mistakes(text_of(Choice(network.name, vary, data, (0,)))) == [], (network.name, vary, data)


def read(file: Path) -> None:
    study = read_study(file)
    for scale in ("paper", "tiny"):
        expand(study, scale)


RIGHT = {
    "a path as weights": 'model.weights = "w.pth"\n[base]',
    "nested axes": "[axes]\nmodel.attend.stages = [[1], [1, 2]]\n[reference]\nmodel.attend.stages = [1]\n[base]",
    "axes in quotes": '[axes]\n"train.lr" = [1e-3, 1e-4]\n[reference]\n"train.lr" = 1e-3\n[base]',
    "excluded": '[[exclude]]\nvariant = "baseline"\nreason = "not of interest"\n[base]',
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_rarer_forms_are_let_through(text: str) -> None:
    inside = text.startswith("model")
    study = STUDY.replace('attention = "am" }', 'attention = "am", weights = "w.pth" }') if inside else STUDY
    assert mistakes(study if inside else study.replace("[base]", text)) == []


WRONG = {
    "unknown top key": ("factor =", 'color = "red"\nfactor ='),
    "unknown table": ("train = {", "trian = {"),
    "unknown key of a recipe": ("epochs = 210", "epoch = 210"),
    "below a range": ("epochs = 210", "epochs = -1"),
    "above a range": ("batch = 4", "batch = 5000"),
    "at an open end of a range": ("batch = 4", "lr = 0.0"),
    "wrong type": ("batch = 4", 'batch = "4"'),
    "true for a number": ("batch = 4", "batch = true"),
    "unknown word": ("batch = 4", 'precision = "fp16"'),
    "huge input": ("input = [256, 192]", "input = [256000, 192]"),
    "three sides": ("input = [256, 192]", "input = [256, 192, 3]"),
    "unknown network": ('name = "hrnet"', 'name = "hrnt"'),
    "another network's key": ('name = "hrnet"', 'name = "hrnet", depth = 50'),
    "a key of no network": ("model.shrink = 0.25", "model.shrnk = 0.25"),
    "a network's range at a scale": ("model.shrink = 0.25", "model.shrink = 1.5"),
    "a key of no attention": ("model.attend.sub_networks", "model.attend.sub_network"),
    "an arm without a name": ('name = "sub-network 1"\n', ""),
    "an arm with an empty name": ('name = "sub-network 1"', 'name = ""'),
    "a word for a truth": ("reference = true", 'reference = "yes"'),
    "unknown scale": ("[scales.tiny]", "[scales.small]"),
    "another schema": ("schema = 1", "schema = 2"),
    "no title": ('title = "A study"', 'title = ""'),
    "no factor": ('factor = ["model.attend"]', "factor = []"),
    "half a seed": ("schema = 1", "schema = 1\nseeds = [0.5]"),
    "an axis without values": ("[base]", "[axes]\ntrain.lr = []\n[base]"),
    "an axis of one value": ("[base]", "[axes]\ntrain.lr = 1e-3\n[base]"),
    "a value twice": ("[base]", "[axes]\ntrain.lr = [1e-3, 1e-3]\n[base]"),
    "an axis of no key": ("[base]", "[axes]\ntrain.lrr = [1e-3, 1e-4]\n[base]"),
    "an axis beyond a range": ("[base]", "[axes]\ntrain.lr = [1e-3, 20.0]\n[base]"),
    "excluded for no reason": ("[base]", '[[exclude]]\nvariant = "baseline"\n[base]'),
}


@pytest.mark.parametrize(("old", "new"), WRONG.values(), ids=WRONG.keys())
def test_what_the_reader_refuses_the_schema_refuses(old: str, new: str, tmp_path: Path) -> None:
    assert old in STUDY
    text = STUDY.replace(old, new, 1)
    assert mistakes(text)
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        read(file)


GATE = """
[[gates]]
metric = "PCKh"
arm = "baseline"
scale = "tiny"
against = "paper"
tolerance = "2 %"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"PCKh"', '"PCK5"'),
        ('"2 %"', "-1"),
        ('"2 %"', '"two"'),
        ('"tiny"', '"small"'),
        ("against", "agains"),
        ('arm = "baseline"\n', ""),
        ('arm = "baseline"', 'arm = "baseline"\nconfidence = 1.0'),
    ],
)
def test_gates_are_held_to_theirs(old: str, new: str, tmp_path: Path) -> None:
    assert mistakes(STUDY + GATE) == []
    text = STUDY + GATE.replace(old, new)
    assert mistakes(text)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        read_gates(tmp_path / "study.toml")


def tables() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, table in SCHEMA["$defs"].items():
        for one in [table, *table.get("anyOf", [])]:
            if "Options" in name or name in ("Phase", "Attend", "AttendBlocks", "AttendStacks"):
                yield name, one["properties"]


def test_every_key_of_a_job_has_a_description() -> None:
    assert len(dict(tables())) >= 15
    bare = [f"{name}.{key}" for name, table in tables() for key, value in table.items() if "description" not in value]
    assert bare == []
    assert SCHEMA["$defs"]["TrainOptions"]["properties"]["batch"]["description"] == "persons of a mini-batch."


def test_ranges_are_those_that_jobs_are_held_to() -> None:
    plain = {"dataset": {"name": "coco"}, "model": {"name": "hrnet"}}
    held = 0
    for table, kind in (("train", "TrainOptions"), ("model", "HRNetOptions")):
        for key, value in SCHEMA["$defs"][kind]["properties"].items():
            for bound, beyond in (("minimum", -1), ("maximum", 1)):
                if bound in value:
                    wrong = value[bound] + beyond
                    with pytest.raises(ValidationError, match=rf"{key}\n"):
                        JobConfig.model_validate({**plain, table: {**plain.get(table, {}), key: wrong}})
                    held += 1
    assert held >= 30
