"""Studies: what is read, and how every mistake is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbox.errors import InvalidInput
from benchbox.plan import expand, jobs
from benchbox.spec import read_study

STUDY = """\
schema = 1
title = "A study"
factor = ["model.attend"]

[base]
dataset = { name = "coco", input = [256, 192] }
model = { name = "hrnet", attention = "am" }
train = { epochs = 210, batch = 4 }

[[variants]]
name = "baseline"
reference = true

[[variants]]
name = "sub-network 1"
model.attend.sub_networks = [1]

[scales.tiny]
dataset = { name = "synthetic", input = [64, 64] }
model.shrink = 0.25
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


MISTAKES = {
    "misspelt key": ("epochs = 210", "epoch = 210", 8, 'train.epoch: unknown key; did you mean "epochs"?'),
    "misspelt table": ("train = {", "trian = {", 8, 'trian: unknown key; did you mean "train"?'),
    "misspelt top key": ("factor =", "factors =", 3, 'factors: unknown key; did you mean "factor"?'),
    "wrong type": ("batch = 4", 'batch = "4"', 8, "train.batch: Input should be a valid integer; got '4'"),
    "true for a number": ("batch = 4", "batch = true", 8, "train.batch"),
    "another name": ('name = "coco"', 'name = "embedded"', 6, 'unknown "embedded"; did you mean "synthetic"?'),
    "one side": ("input = [256, 192]", "input = 64", 6, "input: must be two numbers, e.g. [64, 64]; got 64"),
    "a side too few": ("input = [256, 192]", "input = [64]", 6, "input: must be two numbers, e.g. [64, 64]; got [64]"),
    "a side too many": ("input = [256, 192]", "input = [6, 6, 6]", 6, "must be two numbers, e.g. [64, 64]; got [6, 6"),
    "no list": ("batch = 4", "lr_drops = 4", 8, "train.lr_drops: must be a list, e.g. [1, 2]; got 4"),
    "no network": ('model = { name = "hrnet", attention = "am" }', "", 5, 'model.name: missing, e.g. name = "hrnet"'),
    "impossible size": ("input = [256, 192]", "input = [256, 190]", 6, "sides divisible by 32; got 256x190"),
    "huge size": ("input = [256, 192]", "input = [256000, 192]", 6, "dataset.input"),
    "no such sub-network": (
        "sub_networks = [1]",
        "sub_networks = [5]",
        16,
        "no sub-network 5 to attend to; known: 1, 2",
    ),
    "no such place": ("sub_networks = [1]", "places = [[1, 3]]", 16, "no place [1, 3] to attend to"),
    "no such model": ('name = "hrnet"', 'name = "hrnt"', 7, "model.name"),
    "no such data set": ('name = "coco"', 'name = "cocoa"', 6, 'dataset.name: unknown "cocoa"; did you mean "coco"?'),
    "unknown schema": ("schema = 1", "schema = 2", 1, "schema: 2 is not known here; known: 1"),
    "no reference": ("reference = true\n", "", 10, "no reference arm; mark one variant"),
    "two references": ("model.attend.sub", "reference = true\nmodel.attend.sub", 14, "2 reference arms"),
    "not boolean": ("reference = true", 'reference = "yes"', 10, "must be true or false"),
    "no process": ('name = "sub-network 1"', 'name = "sub-network 1"\nprocesses = 0', 14, "processes: must be 1 to 64"),
    "processes in words": ('name = "sub-network 1"', 'name = "sub-network 1"\nprocesses = "4"', 14, "got '4'"),
    "set twice": ("model.shrink = 0.25", "model.attend.stages = [1]\nmodel.attend.sub_networks = [1]", 16, "set by"),
    "twins by name": ('name = "sub-network 1"', 'name = "baseline"', 14, 'two variants are named "baseline"'),
    "twins by value": ("model.attend.sub_networks = [1]\n", "", 14, '"sub-network 1" is the same arm as "baseline"'),
    "outside factor": ("model.attend.sub", "train.lr = 0.1\nmodel.attend.sub", 16, "train.lr: "),
    "empty axis": ("[[variants]]", '[axes]\n"train.lr" = []\n\n[[variants]]', 11, "axes.train.lr: must be a list"),
    "not TOML": ("schema = 1", "schema = ", 1, "not valid TOML"),
    "unknown scale": ("[scales.tiny]", "[scales.teeny]", 18, 'scales.teeny: unknown scale; did you mean "tiny"?'),
    "NaN": ("epochs = 210", "lr = nan", 8, "train.lr"),
    "descending drops": ("epochs = 210", "lr_drops = [9, 5]", 8, "train.lr_drops: epochs must ascend"),
    "half a sample": ("batch = 4", "batch = 1", 8, "train.batch"),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_file_line_and_key(tmp_path: Path, case: tuple[str, str, int, str]) -> None:
    before, after, line, said = case
    assert STUDY.count(before) >= 1
    file = write(tmp_path, STUDY.replace(before, after, 1))
    with pytest.raises(InvalidInput) as caught:
        expand(read_study(file), "paper")
    message = str(caught.value)
    assert message.startswith(f"{file}:{line}: "), message
    assert said in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_the_study_that_the_mistakes_start_from_is_good(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, STUDY))
    arms = expand(study, "paper")
    assert [arm.name for arm in arms] == ["baseline", "sub-network 1"]
    assert arms[0].reference
    assert arms[1].difference == (("model.attend.sub_networks", (), (1,)),)


def test_a_changed_name_drops_the_other_keys_of_its_table(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, STUDY.replace("input = [256, 192]", 'train = "train2014", input = [256, 192]')))
    tiny = expand(study, "tiny")[0].config
    expected = {"name": "synthetic", "train": 6000, "test": 1000, "input": (64, 64), "layout": "coco"}
    assert tiny.dataset.model_dump() == expected
    assert tiny.model.shrink == 0.25
    assert tiny.train.batch == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"x = " + b"[" * 2000 + b"]" * 2000, "nested too deeply"),
        (b"#" * 1_000_001, "over 1,000,000 bytes"),
        (b"", "schema: missing, e.g. schema = 1; a study needs schema, title, factor, base"),
    ],
)
def test_what_is_no_study_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        read_study(file)


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    write(tmp_path, STUDY)
    with pytest.raises(InvalidInput, match=r"no such file; did you mean .*study\.toml"):
        read_study(tmp_path / "studi.toml")


def test_groups_and_axes_multiply_and_each_group_has_its_reference(tmp_path: Path) -> None:
    text = STUDY.replace('factor = ["model.attend"]', 'factor = ["model.attend"]\nseeds = [0, 1]')
    text += '\n[[groups]]\nname = "W32"\n\n[[groups]]\nname = "W48"\nmodel.width = 48\n'
    text += '\n[axes]\n"train.lr" = [1e-3, 1e-4]\n'
    arms = expand(read_study(write(tmp_path, text)), "paper")
    assert len(arms) == 2 * 2 * 2 * 2
    assert len(jobs(arms)) == 16
    assert sum(arm.reference for arm in arms) == 8
    assert {arm.config.model.width for arm in arms if arm.group == "W48"} == {48}
    ordered = list(jobs(arms).values())
    assert [arm.reference for arm in ordered] == sorted((arm.reference for arm in ordered), reverse=True)


def test_how_many_share_a_job_is_no_part_of_it(tmp_path: Path) -> None:
    before = [arm.job for arm in expand(read_study(write(tmp_path, STUDY)), "paper")]
    shared = STUDY.replace('name = "sub-network 1"', 'name = "sub-network 1"\nprocesses = 4')
    arms = expand(read_study(write(tmp_path, shared)), "paper")
    assert [arm.job for arm in arms] == before
    assert [arm.processes for arm in arms] == [1, 4]
    grouped = shared + '\n[[groups]]\nname = "wide"\nprocesses = 2\nmodel.width = 48\n[[groups]]\nname = "narrow"\n'
    arms = expand(read_study(write(tmp_path, grouped)), "paper")
    assert {arm.name: arm.processes for arm in arms} == {
        "wide, baseline": 2,
        "wide, sub-network 1": 4,
        "narrow, baseline": 1,
        "narrow, sub-network 1": 4,
    }


def test_axes_alone_need_a_named_reference(tmp_path: Path) -> None:
    head = STUDY[: STUDY.index("[[variants]]")].replace("model.attend", "train.lr")
    axes = '[axes]\n"train.lr" = [1e-3, 1e-4]\n'
    with pytest.raises(InvalidInput, match=r"no reference arm; name one point of the axes in \[reference\]"):
        expand(read_study(write(tmp_path, head + axes)), "paper")
    with pytest.raises(InvalidInput) as problem:
        expand(read_study(write(tmp_path, head + axes + "[reference]\ntrain.lr = 5e-4\n")), "paper")
    said = ":13: reference: train.lr = 0.0005: no value of the axis; known: 0.001, 0.0001"
    assert str(problem.value).endswith(said)
    arms = expand(read_study(write(tmp_path, head + axes + '[reference]\n"train.lr" = 1e-3\n')), "paper")
    assert [(arm.name, arm.reference) for arm in arms] == [("train.lr = 0.001", True), ("train.lr = 0.0001", False)]


def test_an_excluded_row_needs_a_reason_and_disappears(tmp_path: Path) -> None:
    axes = '\n[axes]\n"train.lr" = [1e-3, 1e-4]\n'
    row = '[[exclude]]\nvariant = "sub-network 1"\n"train.lr" = 1e-4\n'
    with pytest.raises(InvalidInput, match="needs a reason"):
        read_study(write(tmp_path, STUDY + axes + row))
    study = read_study(write(tmp_path, STUDY + axes + row + 'reason = "diverges"\n'))
    assert len(expand(study, "paper")) == 3
