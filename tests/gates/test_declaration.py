"""What a gate may say, and how a mistake in it is answered."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from benchbox.cli.gate import gate as gate_verb
from benchbox.cli.judging import NO_GATES
from benchbox.errors import InvalidInput
from benchbox.gates.declaration import Gate, read_gates

GATE = {
    "metric": '"PCKh"',
    "arm": '"baseline"',
    "scale": '"tiny"',
    "against": '"reference/x.json"',
    "tolerance": "1.5",
}


def write(folder: Path, **change: str | None) -> Path:
    values = {key: value for key, value in {**GATE, **change}.items() if value is not None}
    lines = [
        "schema = 1",
        'study = "study.toml"',
        "",
        "[[gates]]",
        *(f"{key} = {value}" for key, value in values.items()),
    ]
    file = folder / "gates.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def one(folder: Path, **change: str | None) -> Gate:
    (gate,) = read_gates(write(folder, **change)).gates
    return gate


def test_a_gate_with_its_defaults(tmp_path: Path) -> None:
    gate = one(tmp_path)
    assert (gate.name, gate.group, gate.protocol) == ("PCKh, baseline, tiny", "all", None)
    assert (gate.confidence, gate.seeds, gate.persons, gate.line) == (0.95, 1, 1, 4)
    assert gate.against == tmp_path / "reference/x.json"
    assert read_gates(write(tmp_path)).study == tmp_path / "study.toml"


def test_tolerances(tmp_path: Path) -> None:
    assert one(tmp_path, metric='"macs"', tolerance='"500 %"').tolerance.of(2.0) == 10.0  # costs may grow sixfold
    assert one(tmp_path).tolerance.of(80.0) == 1.5
    relative = one(tmp_path, tolerance='"2 %"').tolerance
    assert relative.of(80.0) == pytest.approx(1.6)
    assert (str(relative), str(one(tmp_path).tolerance)) == ("2 %", "1.5")


def test_a_joint_may_be_spelt_with_a_space(tmp_path: Path) -> None:
    assert one(tmp_path, group='"joint:left wrist"').group == "joint:left_wrist"
    assert one(tmp_path, group='"category:winter activities"').group == "category:winter activities"


def test_gates_of_the_study_itself(tmp_path: Path, root: Path) -> None:
    file = tmp_path / "study.toml"
    text = (root / "ablations/smoke.toml").read_text().partition("[[gates]]")[0]
    file.write_text(text)
    assert read_gates(file).gates == ()
    file.write_text(f"{text}\n[[gates]]\n" + "\n".join(f"{key} = {value}" for key, value in GATE.items()))
    found = read_gates(file)
    assert found.study == file
    assert [gate.metric for gate in found.gates] == ["PCKh"]


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        ({"tolerence": "1"}, 10, 'unknown key; did you mean "tolerance"?'),
        ({"metric": '"PCKhh"'}, 5, 'did you mean "PCKh"?'),
        ({"metric": "3"}, 5, "metric"),
        ({"scale": '"tinny"'}, 7, 'did you mean "tiny"?'),
        ({"group": '"joints:x"'}, 10, 'did you mean "joint"?'),
        ({"group": '"left_wrist"'}, 10, "known: activity, all"),
        ({"against": '"papers"'}, 8, 'did you mean "paper"?'),
        ({"tolerance": "-1"}, 9, "got -1"),
        ({"tolerance": "nan"}, 9, "got nan"),
        ({"tolerance": "true"}, 9, "got True"),
        ({"tolerance": '"2 points"'}, 9, "got '2 points'"),
        ({"tolerance": '"100 %"'}, 9, "a score could fall to nothing within '100 %'"),
        ({"tolerance": "150"}, 9, "a score could fall to nothing within 150"),
        ({"tolerance": None}, 4, "missing"),
        ({"confidence": "95"}, 10, "confidence"),
        ({"seeds": "0"}, 10, "seeds"),
        ({"seeds": "1.5"}, 10, "seeds"),
        ({"persons": '"all"'}, 10, "persons"),
        ({"protocol": '"pckh@0.5/hrnet-v2"'}, 10, 'did you mean "hrnet-v1"?'),
        ({"protocol": '"coco-kp"'}, 10, "does not give PCKh"),
        ({"metric": '"macs"', "group": '"joint:nose"'}, 10, "is a cost"),
    ],
)
def test_mistakes_are_answered_with_file_and_line(
    tmp_path: Path, change: dict[str, str | None], line: int, said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        one(tmp_path, **change)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'gates.toml'}:{line}: "), message
    assert said in message, message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('schema = 2\nstudy = "s.toml"\n', ":1: schema: 2 is not known here"),
        ('schema = 1\nstudy = "s.toml"\ngate = []\n', 'unknown key; did you mean "gates"?'),
        ('schema = 1\nstudy = "s.toml"\ngates = 3\n', ":3: gates"),
        ('schema = 1\nstudy = "s.toml"\ngates = [3]\n', ":3: "),
        ("schema = 1\nstudy = \n", ":2: not valid TOML"),
        ('schema = 1\n<<<<<<< HEAD\nstudy = "a"\n=======\n', ":2: an unresolved merge conflict; keep one side"),
    ],
)
def test_mistakes_of_the_file(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=r"gates\.toml") as caught:
        read_gates(file)
    assert said in str(caught.value)


def test_two_gates_of_one_name(tmp_path: Path) -> None:
    file = write(tmp_path)
    text = file.read_text()
    file.write_text(text + "\n" + text.partition("\n\n")[2])
    with pytest.raises(InvalidInput, match="two gates are named"):
        read_gates(file)


def test_the_help_shows_a_whole_gate(tmp_path: Path) -> None:
    shown = re.findall(r"^ +(\[\[gates\]\]|\w+ = .*)$", inspect.cleandoc(gate_verb.__doc__ or ""), re.M)
    file = tmp_path / "gates.toml"
    file.write_text("\n".join(["schema = 1", 'study = "study.toml"', *shown]))
    keys = ["name", "metric", "arm", "scale", "against", "tolerance"]
    assert [line.partition(" ")[0] for line in shown[1:]] == keys
    (found,) = read_gates(file).gates
    assert (found.against, found.tolerance.amount) == ("reference-arm", 3.0)
    assert all(key in NO_GATES for key in keys)
