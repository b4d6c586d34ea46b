"""The verb on made-up results: what passes, what regresses and what is said of it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchbox import store
from benchbox.cli import judging
from benchbox.errors import CannotJudge, InvalidInput
from benchbox.gates import reference
from benchbox.gates.arms import ArmJobs, check_done
from benchbox.gates.declaration import read_gates
from benchbox.jobdir import JobDir
from benchbox.metrics.protocol import parse
from benchbox.plan import expand
from benchbox.pose.people import Person
from benchbox.pose.skeleton import COCO17
from benchbox.spec import read_study
from benchbox.stats.compare import compare, noise
from benchbox.stats.sample import Sample
from benchbox.worker.samples import sample_of
from benchbox.worker.score import Ground
from tests.gates import made


def test_the_same_results_pass_with_a_difference_of_nothing(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    assert made.call(tmp_path) == 0
    (row,) = made.verdicts(tmp_path)
    assert (row["outcome"], row["change"], row["seeds"], row["persons"]) == ("passed", 0.0, [3, 3], 240)
    assert row["protocol"] == made.PROTOCOL
    assert row["reason"] == "the same to the bit"
    made.declare(tmp_path, {"seeds": "1"})
    assert made.call(tmp_path, seeds="0", update=True) == 0
    assert made.call(tmp_path, seeds="0") == 0
    assert made.verdicts(tmp_path)[0]["notes"] == []  # where nothing differs there is no noise to speak of


def test_bit_equal_results_pass_however_small_the_tolerance(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    made.declare(tmp_path, {"tolerance": "0"})
    assert made.call(tmp_path) == 0


def test_a_reference_is_the_records_to_the_bit(tmp_path: Path) -> None:
    path = made.baseline(tmp_path)
    before = reference.read(path)
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.33))
    made.declare(tmp_path, {}, {"against": '"reference/other.json"'})
    assert made.call(tmp_path, update=True) == 0
    after = reference.read(tmp_path / "reference/other.json")
    # what the reference's text gives is what the records gave, checked against the scores the worker wrote
    for side in (before, after):
        for training, sample in zip(side.trainings, side.samples(made.PROTOCOL), strict=True):
            again = sample.replicate(np.ones((1, len(sample.people.images))))[0]
            stored = [training.scores[made.PROTOCOL, *name] for name in sample.names]
            np.testing.assert_allclose(again, stored, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_intervals_against_a_reference_are_those_of_the_records(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    least = {"seeds": "1", "tolerance": "20.0"}
    made.write(tmp_path, seeds=seeds)
    made.declare(tmp_path, least)
    typed = ",".join(map(str, seeds))
    assert made.call(tmp_path, update=True, seeds=typed) == 0
    sides = [samples(tmp_path)]
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.4), seeds=seeds)
    sides.append(samples(tmp_path))
    found = compare(*sides)["PCKh", "all"]
    assert made.call(tmp_path, seeds=typed) == 0
    (row,) = made.verdicts(tmp_path)
    assert (row["measured"], row["reference"], row["change"]) == (found.b, found.a, found.difference)
    assert (row["low"], row["high"]) == (found.low, found.high)
    if len(seeds) > 1:
        assert row["floor"] == max((found.high - found.low) / 2, noise(sides[0])["PCKh", "all"])
    else:
        told = (tmp_path / "report/gate.md").read_text(), (tmp_path / "report/junit.xml").read_text()
        assert all("noise of training is not covered" in text for text in (*row["notes"], *told))


def samples(folder: Path) -> list[Sample]:
    """Return the samples that the records on disk give, apart from everything of gates."""
    arms = [arm for arm in expand(read_study(folder / "study.toml"), "tiny") if arm.name == "baseline"]
    there = [arm.job for arm in arms if JobDir.of(folder / "results", arm.job).result()]
    ground, protocol = Ground(COCO17, ("gt-boxes", "flip")), parse(made.PROTOCOL)
    return [sample_of(store.people(folder / "results", job), ground, protocol) for job in there]


def test_a_regression_is_found_and_named(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    usual = made.near()

    def worse(people: Sequence[Person], seed: int) -> np.ndarray:
        points = usual(people, seed)
        points[:, 9] += 60  # the left wrist
        points[::4, 16] += 60  # some right ankles
        return points

    made.write(tmp_path, worse)
    made.declare(
        tmp_path, {}, {"group": '"joint:left wrist"'}, {"group": '"joint:nose"'}, {"metric": '"macs"', "tolerance": "0"}
    )
    assert made.call(tmp_path) == 1
    rows = made.verdicts(tmp_path)
    assert [row["outcome"] for row in rows] == ["regressed", "regressed", "passed", "passed"]
    moved = {one["group"].partition(":")[0]: one for one in rows[0]["diagnosis"]["moved"]}
    assert moved["joint"]["group"] == "joint:left_wrist"
    assert moved["joint"]["high"] < -50
    assert {"category", "size", "visibility"} <= moved.keys()
    worst = rows[0]["diagnosis"]["worst"]
    assert worst
    assert all(one["now"] < one["before"] for one in worst)
    assert any("joint:left_wrist" in text for text in rows[0]["diagnosis"]["sentences"])
    assert rows[0]["reason"] == rows[1]["reason"] == "certainly worse by more than 3 points"
    interval = f"{rows[0]['change']:+.2f} [{rows[0]['low']:+.2f}, {rows[0]['high']:+.2f}]"  # as the table has them
    assert f'message="{interval}: certainly worse by more than 3 points"' in (tmp_path / "report/junit.xml").read_text()
    page = (tmp_path / "report/gate.md").read_text()
    # what both gates have in common stands there once
    assert page.count("fell most") == page.count("persons that lost most") == 1
    assert page.count('- same note as for "gate 0"') == 1
    assert not any("exchanged" in text or "moved by" in text for text in rows[0]["diagnosis"]["sentences"])


def test_left_and_right_exchanged(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    usual = made.near()
    order = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15])
    made.write(tmp_path, lambda people, seed: usual(people, seed)[:, order])
    assert made.call(tmp_path) == 1
    (row,) = made.verdicts(tmp_path)
    assert row["diagnosis"]["sentences"][0].startswith("left and right look exchanged")
    assert row["diagnosis"]["swapped"][1] > 50 > row["diagnosis"]["swapped"][0]


def test_everything_moved(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    usual = made.near()
    # crops are a quarter larger than the box of 96 pixels, so 64 pixels of input are 120 of the image
    made.write(tmp_path, lambda people, seed: usual(people, seed) + 2 * 120 / 64)
    assert made.call(tmp_path) == 1
    (row,) = made.verdicts(tmp_path)
    assert "all joints moved by (+2.0" in row["diagnosis"]["sentences"][0]
    np.testing.assert_allclose(row["diagnosis"]["offset"], [2, 2], atol=0.1)


@pytest.mark.parametrize("factor", [1 / 0.6, 0.5])
def test_other_head_sizes_are_never_judged(tmp_path: Path, factor: float) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    people = [made.replace(person, head_size=person.head_size * factor) for person in made.persons()]
    usual = made.near()
    made.write(tmp_path, lambda _, seed: usual(made.persons(), seed), people=people)
    assert made.call(tmp_path) == 3
    (row,) = made.verdicts(tmp_path)
    assert f"head sizes are {factor:.3g} times the reference's" in row["reason"]


def test_an_improvement_passes_and_says_how_to_accept_it(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.1, 0.02))
    assert made.call(tmp_path) == 0
    (row,) = made.verdicts(tmp_path)
    assert row["outcome"] == "improved"
    assert "gates.toml --update" in row["reason"]
    assert made.call(tmp_path, update=True) == 0
    assert made.call(tmp_path) == 0
    assert made.verdicts(tmp_path)[0]["reason"] == "the same to the bit"


def test_a_tolerance_below_the_noise_is_not_judged(tmp_path: Path) -> None:
    made.baseline(tmp_path, {"tolerance": "0.05"})
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.302))
    assert made.call(tmp_path) == 3
    (row,) = made.verdicts(tmp_path)
    assert "below the noise floor" in row["reason"]
    assert "needs about" in row["reason"]


def test_against_the_reference_arm(tmp_path: Path) -> None:
    made.write(tmp_path)
    made.write(tmp_path, made.near(0.6), arm="stage 1")
    made.declare(tmp_path, {"arm": '"stage 1"', "against": '"reference-arm"'}, {"against": '"reference-arm"'})
    assert made.call(tmp_path) == 1
    rows = made.verdicts(tmp_path)
    assert [row["outcome"] for row in rows] == ["regressed", "could not judge"]
    assert "is the reference arm itself" in rows[1]["reason"]


def test_an_arm_that_is_its_reference_is_nothing_to_compare(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        made.STUDY.replace("model.attend.stages = [1]", 'model.attention = "none"').replace(
            '["model.attend"]', '["model.attention"]'
        )
    )
    made.write(tmp_path)
    made.declare(tmp_path, {"arm": '"stage 1"', "against": '"reference-arm"'})
    assert made.call(tmp_path) == 3
    assert "nothing to compare" in made.verdicts(tmp_path)[0]["reason"]


def test_other_options_under_the_same_name_are_told(tmp_path: Path) -> None:
    made.baseline(tmp_path, {}, {"metric": '"macs"', "tolerance": "0"})
    study = tmp_path / "study.toml"
    study.write_text(study.read_text().replace("train.epochs = 2", "train.epochs = 1"))
    made.write(tmp_path)
    assert made.call(tmp_path) == 0
    said = "the arm's options are not those that the reference was made with; no commit is on record"
    assert all(row["notes"][0].startswith(said) for row in made.verdicts(tmp_path))


def test_the_committed_reference_is_of_todays_study(root: Path) -> None:
    declaration = read_gates(root / "ablations/smoke.toml")
    gate = next(gate for gate in declaration.gates if not gate.is_cost)
    assert isinstance(gate.against, Path)
    side = reference.read(gate.against)
    arms = [arm for arm in expand(read_study(declaration.study), gate.scale, side.seeds) if arm.name == gate.arm]
    assert [training.job for training in side.trainings] == [arm.job for arm in arms]
    assert len(side.trainings) >= max(3, gate.seeds)
    samples = [sample.only([(gate.metric, gate.group)]) for sample in side.samples(side.protocols[0])]
    # room for another three seeds, whose spread may be twice as great
    assert 1.5 * noise(samples)[gate.metric, gate.group] < gate.tolerance.amount


def test_costs(tmp_path: Path) -> None:
    cost = {"seeds": "1", "tolerance": '"1 %"'}
    made.baseline(tmp_path, *({"metric": f'"{name}"', **cost} for name in ("parameters", "macs", "memory")))
    assert made.call(tmp_path) == 0
    path = tmp_path / "reference/made.json"
    record = json.loads(path.read_text())
    record["costs"]["macs"] = 49_000
    forge(path, record)
    assert made.call(tmp_path) == 1
    assert [row["outcome"] for row in made.verdicts(tmp_path)] == ["passed", "regressed", "passed"]
    assert made.verdicts(tmp_path)[1]["change"] == 1000
    record["costs"]["macs"] = 60_000
    forge(path, record)
    assert made.call(tmp_path) == 0
    assert made.verdicts(tmp_path)[1]["outcome"] == "improved"


def test_latency_is_judged_where_the_device_was_exclusive_and_the_same(tmp_path: Path) -> None:
    cost = {"metric": '"latency"', "seeds": "3", "tolerance": '"10 %"'}
    path = made.baseline(tmp_path, cost)
    assert made.call(tmp_path) == 0
    (verdict,) = made.verdicts(tmp_path)
    assert verdict["measured"] == pytest.approx(4.1)  # ms, the mean of 4.0, 4.1 and 4.2
    record = json.loads(path.read_text())
    faster = [0.8 * seconds for seconds in record["costs"]["latency"]]
    forge(path, record | {"costs": record["costs"] | {"latency": faster}})
    assert made.call(tmp_path) == 1
    forge(path, record | {"costs": record["costs"] | {"hardware": "another device"}})
    assert made.call(tmp_path) == 3
    assert 'the reference on "another device"' in made.verdicts(tmp_path)[0]["reason"]
    for changed in ({"exclusive": False}, {"exclusive": None}, {"latency_seconds": None}):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        made.write(folder, measured=changed)
        made.declare(folder, {**cost, "against": f'"{path}"'})
        assert made.call(folder) == 3
        assert "exclusive" in made.verdicts(folder)[0]["reason"]


def forge(path: Path, record: dict) -> None:
    """Write a reference with a digest that fits."""
    kept = {key: value for key, value in record.items() if key not in ("digest", "provenance")}
    path.write_text(json.dumps(record | {"digest": reference._digest(kept)}))


def test_updates_keep_what_has_not_changed(tmp_path: Path) -> None:
    path = made.baseline(tmp_path)
    before = path.read_bytes()
    assert made.call(tmp_path, update=True) == 0
    assert path.read_bytes() == before
    record = json.loads(before)
    assert record["provenance"]["job"]["python"] == "3.11"
    assert "date" in record["provenance"]


def test_an_update_is_refused_whole(tmp_path: Path) -> None:
    path = made.baseline(tmp_path)
    before = path.read_bytes()
    made.unpublish(tmp_path)
    made.write(tmp_path, made.near(0.5), seeds=[0, 1])
    made.declare(tmp_path, {"seeds": "1", "against": '"reference/new.json"'}, {"seeds": "3"})
    assert made.call(tmp_path, update=True, seeds="0,1") == 3
    assert made.call(tmp_path, update=True) == 3  # seed 2 is missing
    assert path.read_bytes() == before
    assert not (tmp_path / "reference/new.json").exists()
    made.declare(tmp_path, {}, {"arm": '"stage 1"'})
    assert made.call(tmp_path, update=True) in (2, 3)


def test_a_reference_of_3000_persons_stays_small(tmp_path: Path) -> None:
    made.write(tmp_path, people=made.persons(3000), seeds=[0])
    made.declare(tmp_path, {"seeds": "1"})
    assert made.call(tmp_path, update=True, seeds="0") == 0
    assert (tmp_path / "reference/made.json").stat().st_size < 400_000
    assert (
        sum(line.strip().startswith('["0') for line in (tmp_path / "reference/made.json").read_text().splitlines())
        == 3000
    )


def test_a_reference_that_cannot_be_used_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = made.baseline(tmp_path, {}, {"group": '"joint:nose"'}, {"metric": '"macs"', "tolerance": "0"})
    path.write_text(path.read_text()[:-100])
    capsys.readouterr()
    assert made.call(tmp_path, format="md") == 3
    for text in (capsys.readouterr().out, (tmp_path / "report/gate.md").read_text()):
        assert text.count("damaged: not a whole JSON object") == 1
        assert text.count('for the same reason as "gate 0"') == 2
    assert (tmp_path / "report/junit.xml").read_text().count("damaged: not a whole JSON object") == 3 * 2
    assert all("damaged: not a whole" in row["reason"] for row in made.verdicts(tmp_path))


def test_files_that_could_not_be_written_are_not_said_to_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made.baseline(tmp_path, {})
    path.write_text("{")
    (tmp_path / "report").rename(tmp_path / "before")
    (tmp_path / "report").write_text("a file where the folder would be")
    assert made.call(tmp_path, format="md") == 3
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert said.splitlines()[-1].endswith("no report of it could be written")


@pytest.mark.parametrize("results", ["results", "other results"])
def test_what_is_missing_is_told_with_the_command_that_makes_it(
    results: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(made.STUDY.replace('"stage 1"', '"the arm\'s"'))
    made.write(tmp_path, seeds=[0])
    (tmp_path / "results").rename(results)
    (tmp_path / "gates").mkdir()
    made.declare(tmp_path / "gates", {}, {"arm": '"the arm\'s"'}, study="../study.toml")
    assert judging.gate(Path("gates/gates.toml"), made.asked(tmp_path, results=Path(results), format="md")) == 3
    where = "" if results == "results" else " --results 'other results'"
    commands = [
        f"next: benchbox run study.toml --only baseline --seeds 1,2 --scale tiny{where}",
        f"""next: benchbox run study.toml --only 'the arm'"'"'s' --seeds 0,1,2 --scale tiny{where}""",
    ]
    assert [row["reason"].partition("; ")[2] for row in made.verdicts(tmp_path)] == commands
    told = capsys.readouterr()
    page, xml = ((tmp_path / "report" / name).read_text() for name in ("gate.md", "junit.xml"))
    for text in (told.out, told.err, page, html.unescape(xml)):
        assert all(command in text for command in commands)


def test_a_scale_that_the_study_lacks_is_told_where_it_stands(tmp_path: Path) -> None:
    made.write(tmp_path)
    file = made.declare(tmp_path, {}, {"scale": '"mini"'})
    line = file.read_text().splitlines().index('name = "gate 1"')
    with pytest.raises(InvalidInput) as problem:
        judging.gate(file, made.asked(tmp_path))
    said = f'{file}:{line}: [[gates]] "gate 1": {tmp_path / "study.toml"} has no scale mini; known: paper, tiny'
    assert str(problem.value) == said


@pytest.mark.parametrize("others", [(), ("results",)])
def test_no_results_at_all_are_told_as_such(
    others: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made.write(tmp_path, seeds=[0])
    if not others:
        (tmp_path / "results/jobs").rename(tmp_path / "away")
    made.declare(tmp_path)
    run = "; next: benchbox run study.toml --only baseline --seeds 0,1,2 --scale tiny --results reslts"
    hint = '; did you mean "results"?' if others else run
    asked = made.asked(tmp_path, results=Path("reslts"), report=Path("reslts/gate"))
    for said in ("no such results folder", "no results in it, no job at all"):  # the report makes the folder
        assert judging.gate(Path("gates.toml"), asked) == 3
        (row,) = json.loads(Path("reslts/gate/gate.json").read_text())["rows"]
        assert row["reason"] == f"reslts: {said}{hint}"
    with pytest.raises(CannotJudge, match="reslts: no results"):
        judging.gate(Path("gates.toml"), made.replace(asked, update=True))


@pytest.mark.parametrize(
    ("states", "command"),
    [
        (("done", "stale", "interrupted"), "run s.toml --only a --seeds 1,2 --scale tiny --stale"),
        (("cancelled", "failed", "running"), "run s.toml --only a --seeds 0 --scale tiny --retry cancelled"),
        (("done", "failed", "pending"), "logs j1"),
        (("running", "pending", "done"), "status s.toml --seeds 0,1,2 --scale tiny --watch"),
    ],
)
def test_every_state_has_its_next_command(states: Sequence[str], command: str) -> None:
    arm = ArmJobs("a", "tiny", "a", {seed: f"j{seed}" for seed in range(3)}, Path("s.toml"), Path("results"))
    with pytest.raises(CannotJudge) as problem:
        check_done(arm, dict(zip(arm.jobs.values(), states, strict=True)))
    assert str(problem.value).endswith(f"; next: benchbox {command}")


def test_a_copied_study_is_told_what_to_do(tmp_path: Path) -> None:
    made.baseline(tmp_path)
    (tmp_path / "study.toml").rename(tmp_path / "copy.toml")
    gates = tmp_path / "gates.toml"
    gates.write_text(gates.read_text().replace("study.toml", "copy.toml"))
    assert made.call(tmp_path) == 3
    assert json.loads((tmp_path / "report/gate.json").read_text())["note"] == ""  # no interval stands there
    (row,) = made.verdicts(tmp_path)
    assert 'is of study "study", the gate speaks of "copy"; name another file in against =' in row["reason"]
    assert f"write it: benchbox gate {gates} --update" in row["reason"]
    gates.write_text(gates.read_text().replace("reference/made.json", "reference/copy.json"))
    assert made.call(tmp_path, update=True) == 0
    assert made.call(tmp_path) == 0


def test_of_joints_that_are_not_found_nothing_is_said_to_have_moved(tmp_path: Path) -> None:
    made.write(tmp_path, made.near(4.0))
    made.declare(tmp_path, {"tolerance": "0.1"})
    assert made.call(tmp_path, update=True) == 0
    made.unpublish(tmp_path)
    usual = made.near(4.0)
    made.write(tmp_path, lambda people, seed: usual(people, seed) + 4 * 120 / 64)
    assert made.call(tmp_path) in (1, 3)
    (row,) = made.verdicts(tmp_path)
    assert row["diagnosis"]["offset"][0] > 1
    assert not any("moved by" in text or "offset" in text for text in row["diagnosis"]["sentences"])
