"""Studies over several networks: what reaches whom, how mistakes are answered, and what the committed ones build."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchbox.errors import InvalidInput
from benchbox.options.models import ResNetOptions
from benchbox.plan import Arm, expand
from benchbox.spec import read_study
from benchbox.worker.network import network

STUDY = """\
schema = 1
title = "Networks"
factor = ["model"]

[base]
dataset = { name = "coco", input = [256, 192] }
model = { name = "hrnet", width = 48, attention = "am" }
train = { epochs = 210, batch = 4 }

[[groups]]
name = "HRNet"
model.attend = { stages = [1] }

[[groups]]
name = "ResNet"
model = { name = "resnet", depth = 101, head = "bilinear" }

[[groups]]
name = "hourglass"
model = { name = "hourglass", stacks = 4 }

[[variants]]
name = "as it is"
reference = true

[[variants]]
name = "in a sub-network"
model.attend.sub_networks = [1]

[[exclude]]
group = "ResNet"
variant = "in a sub-network"
reason = "the places are HRNet's"

[[exclude]]
group = "hourglass"
variant = "in a sub-network"
reason = "the places are HRNet's"

[scales.tiny]
dataset = { name = "synthetic", input = [64, 64] }
model = { shrink = 0.25, blocks = 1, modules = [1, 1, 1] }
train.epochs = 2
"""


def arms(folder: Path, text: str, scale: str = "paper") -> dict[str, Arm]:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return {arm.name: arm for arm in expand(read_study(file), scale)}


def test_a_scale_reaches_every_network_as_far_as_it_has_the_keys(tmp_path: Path) -> None:
    found = {name: arm.config for name, arm in arms(tmp_path, STUDY, "tiny").items()}
    hrnet, resnet, hourglass = (found[f"{group}, as it is"].model for group in ("HRNet", "ResNet", "hourglass"))
    assert (hrnet.shrink, hrnet.blocks, hrnet.modules, hrnet.width) == (0.25, 1, (1, 1, 1), 48)
    assert (resnet.name, resnet.shrink, resnet.depth, resnet.head) == ("resnet", 0.25, 101, "bilinear")
    assert (hourglass.name, hourglass.shrink, hourglass.stacks) == ("hourglass", 0.25, 4)
    # what the base says of one network is not said of another
    assert hrnet.attention == "am"
    assert resnet.attention == hourglass.attention == "none"
    assert {(config.train.epochs, config.train.batch, config.dataset.name) for config in found.values()} == {
        (2, 4, "synthetic")
    }
    assert found["HRNet, in a sub-network"].model.attend.sub_networks == (1,)
    full = arms(tmp_path, STUDY)["ResNet, as it is"].config
    assert (full.model.shrink, full.train.epochs, full.dataset.name) == (1.0, 210, "coco")


def test_a_scale_reaches_a_network_that_an_axis_names(tmp_path: Path) -> None:
    head, tail = STUDY.split("[[groups]]")[0], STUDY[STUDY.index("[scales.tiny]") :]
    axes = '[axes]\n"model.name" = ["hrnet", "mrn"]\n\n[reference]\n"model.name" = "hrnet"\n\n'
    found = arms(tmp_path, head + axes + tail, "tiny")
    assert [arm.config.model.shrink for arm in found.values()] == [0.25, 0.25]
    assert found["model.name = hrnet"].config.model.width == 48
    assert found["model.name = mrn"].config.model.name == "mrn"


def test_a_key_that_a_scale_must_not_share_is_not_shared_through_a_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r'model\.shrink: set by "hourglass" and by scale "tiny"'):
        arms(tmp_path, STUDY.replace("stacks = 4", "stacks = 4, shrink = 0.5"), "tiny")


def test_excluded_arms_are_not_even_looked_at(tmp_path: Path) -> None:
    assert len(arms(tmp_path, STUDY)) == 4
    for group in ("ResNet", "hourglass"):
        row = f'[[exclude]]\ngroup = "{group}"\nvariant = "in a sub-network"\nreason = "the places are HRNet\'s"\n\n'
        assert row in STUDY
        with pytest.raises(InvalidInput, match=r"study\.toml:\d+: model\.attend\.sub_networks: unknown key; known: "):
            arms(tmp_path, STUDY.replace(row, ""))


KEYS = ", ".join(sorted(ResNetOptions.model_fields))
MISTAKES = {
    "wrong name in a group": (
        'name = "resnet"',
        'name = "resnets"',
        16,
        'model.name: unknown "resnets"; did you mean "resnet"?',
    ),
    "wrong name in the base": (
        'name = "hrnet"',
        'name = "hrnt"',
        7,
        'model.name: unknown "hrnt"; did you mean "hrnet"?',
    ),
    "another tool's name": (
        'name = "hourglass", stacks',
        'name = "stacked-hourglass", stacks',
        20,
        'unknown "stacked-hourglass"; did you mean "hourglass"?',
    ),
    "unknown key": ("depth = 101", "dept = 101", 16, 'model.dept: unknown key; did you mean "depth"?'),
    "another network's key": ("depth = 101", "stacks = 2", 16, f"model.stacks: unknown key; known: {KEYS}"),
    "unknown key of the head": (
        "depth = 101",
        "final_kernal = 3",
        16,
        'model.final_kernal: unknown key; did you mean "final_kernel"?',
    ),
    "unknown key of the places": (
        "depth = 101",
        'attention = "am", attend.block = [1]',
        16,
        'model.attend.block: unknown key; did you mean "blocks"?',
    ),
    "no such depth": ("depth = 101", "depth = 34", 16, "model.depth: Input should be 50, 101 or 152; got 34"),
    "no such kind": (
        "depth = 101",
        'attention = "cbm"',
        16,
        "model.attention: Input should be 'none', 'cam', 'sam', 'am', 'se' or 'cbam'; got 'cbm'",
    ),
    "no such block": (
        "depth = 101",
        'attention = "am", attend.blocks = [5]',
        16,
        "model.attend: no block 5 to attend to; known: 1, 2, 3, 4",
    ),
    "no number of a block": (
        "depth = 101",
        'attention = "am", attend.blocks = ["all"]',
        16,
        "model.attend.blocks.0: Input should be a valid integer; got 'all'",
    ),
    "no name": ('name = "hrnet", width', "width", 7, "model.name: missing"),
    "no such stack": (
        "stacks = 4",
        'stacks = 4, attention = "am", attend.stacks = [5]',
        20,
        "model: no stack 5 to attend to; there are 4",
    ),
    "no such size": (
        "input = [256, 192]",
        "input = [384, 288]",
        6,
        "dataset.input: hourglass needs sides divisible by 64; got 384x288",
    ),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_file_line_and_the_named_networks_keys(
    tmp_path: Path, case: tuple[str, str, int, str]
) -> None:
    before, after, line, said = case
    assert STUDY.count(before) == 1
    with pytest.raises(InvalidInput) as caught:
        arms(tmp_path, STUDY.replace(before, after))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'study.toml'}:{line}: "), message
    assert said in message, message
    assert "\n" not in message


def committed(root: Path, name: str) -> dict[str, int]:
    """Return the parameters of every arm of a committed study at the papers' scale."""
    counts = {}
    for arm in expand(read_study(root / "ablations" / name), "paper"):
        with torch.device("meta"):
            counts[arm.name] = sum(p.numel() for p in network(arm.config).parameters())
    return counts


def test_the_kernels_have_the_parameters_of_the_text_and_of_the_tables(root: Path) -> None:
    """efficient-sam prints 31.2, 30.7, 30.7 M for ResNet-50 and 50.2, 49.7 M for ResNet-101 (Tables 1 and 2)."""
    kernels = ("7x7", "3x3+3x3", "3x3//3x3")
    expected = {
        "ResNet-50": (30_112_777, 30_112_657, 30_112_657),
        "ResNet-50, count-matched": (31_196_741, 30_689_093, 30_689_093),
        "ResNet-101": (49_104_905, 49_104_785, 49_104_785),
        "ResNet-101, count-matched": (50_188_869, 49_681_221, 49_681_221),
    }
    assert committed(root, "sam_kernels.toml") == {
        f"{group}, {kernel}": count
        for group, counts in expected.items()
        for kernel, count in zip(kernels, counts, strict=True)
    }


def test_the_other_studies_have_the_official_networks_parameters(root: Path) -> None:
    resnets = committed(root, "resnet_am.toml")
    official = {"ResNet-50": 33_999_697, "ResNet-101": 52_991_825, "ResNet-152": 68_635_473}
    assert {name: resnets[f"{name}, SimpleBaseline"] for name in official} == official
    assert resnets["ResNet-50, bilinear, no attention"] == 29_412_177
    assert resnets["ResNet-101, Fine-tuning AM"] == 49_104_905
    every = committed(root, "hrnet_coco.toml")
    assert every["HRNet-W32, baseline"] == 28_536_113
    assert every["HRNet-W32, Our"] == 28_537_259
    assert every["HRNet-W48, baseline"] == 63_595_745
    assert every["8-stage hourglass, baseline"] == 25_437_960
    assert every["SimpleBaseline ResNet-152, baseline"] == 68_635_473
    assert every["Fine-tuning AM ResNet-50, baseline"] == 30_112_777
