"""Tables from made-up rows: sums over seeds, marks for what is not there, protocols that never share a column."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchbox.errors import CannotJudge
from benchbox.jobdir import State
from benchbox.papers import read as papers
from benchbox.records import RUNS
from benchbox.report.cells import Answers, fill
from benchbox.report.differences import Differences
from benchbox.report.frame import ArmJobs, rows
from benchbox.report.marks import Note
from benchbox.report.paper import paper_table
from benchbox.report.tables import group_table, study_table
from benchbox.store import Store

PROTOCOL = "coco-kp/gt-boxes/flip"


def made(states: dict[str, str], scores: list[tuple[str, str, str, float]]) -> Store:
    frame = pd.DataFrame(scores, columns=["job", "protocol", "metric", "value"]).assign(group="all", n=9)
    return Store({job: State(name) for job, name in states.items()}, run_rows(), frame)


def run_rows(*rows: dict[str, object]) -> pd.DataFrame:
    return pa.Table.from_pylist(list(rows), schema=RUNS).to_pandas()


def counted(*names: str) -> dict[str, dict[str, int]]:
    return {name: {"parameters": 28_536_113, "macs": 7_645_003_776} for name in names}


def test_seeds_are_summed_up_with_their_deviation() -> None:
    arms = [ArmJobs("a", True, ("1", "2", "3")), ArmJobs("b", False, ("4",))]
    store = made(
        dict.fromkeys("1234", "done"),
        [
            ("1", PROTOCOL, "AP", 70.0),
            ("2", PROTOCOL, "AP", 72.0),
            ("3", PROTOCOL, "AP", 74.0),
            ("4", PROTOCOL, "AP", 71.0),
        ],
    )
    layout = study_table("t", "tiny", rows(arms, store), counted("a", "b"))
    assert [text[f"AP {PROTOCOL}"] for text in layout.texts] == ["72.0 ± 2.0", "71.0"]
    cell = layout.records[0]["cells"][f"AP {PROTOCOL}"]
    assert (cell["measured"], cell["deviation"], cell["n"]) == (72.0, 2.0, 3)
    assert layout.records[1]["cells"][f"AP {PROTOCOL}"]["deviation"] is None
    assert layout.missing == 0


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("", []),
        ("1", ["1 of 3 seeds (2 pending): a."]),
        ("14", ["One seed: a difference may be noise.", "1 of 3 seeds (2 pending): a."]),
        ("124", ["over 2 seeds.", "2 of 3 seeds (1 pending): a."]),
        ("1234", ["over 3 seeds."]),
    ],
)
def test_of_seeds_is_said_what_was_measured(done: str, said: list[str]) -> None:
    arms = [ArmJobs("a", True, ("1", "2", "3")), ArmJobs("b", False, ("4",))]
    store = made(
        {job: "done" if job in done else "pending" for job in "1234"}, [(job, PROTOCOL, "AP", 70.0) for job in done]
    )
    plain = study_table("t", "tiny", rows(arms, store), counted("a", "b"))
    notes = [note for note in plain.footnotes if "seed" in note]
    assert len(notes) == len(said)
    assert all(note.endswith(end) for note, end in zip(notes, said, strict=True))
    gaps = Differences({}, 0.95, ["One seed: says nothing of training's noise."])
    compared = study_table("t", "tiny", rows(arms, store), counted("a", "b"), gaps=gaps)
    assert sum("One seed" in note for note in compared.footnotes) == 1


def test_scores_of_an_arm_are_those_of_its_jobs_whatever_their_order() -> None:
    """Against pandas' own grouping."""
    random = np.random.default_rng(7)
    kinds = [(protocol, metric, group) for protocol in "pq" for metric in ("AP", "AR") for group in ("all", "b", "c")]
    table = [
        (job, *kinds[place], float(value))
        for job in "12345"
        for place, value in zip(random.permutation(12)[: random.integers(1, 13)], random.normal(size=12), strict=False)
    ]
    frame = pd.DataFrame(table, columns=["job", "protocol", "metric", "group", "value"]).sample(frac=1, random_state=3)
    store = Store(dict.fromkeys("12345", State("done")), run_rows(), frame.assign(n=9))
    for row in rows([ArmJobs("a", True, ("1", "2", "3")), ArmJobs("b", False, ("4",))], store):
        mine = frame[frame["job"].isin(row.arm.jobs)].groupby(["protocol", "metric", "group"])["value"]
        assert set(row.scores) == set(mine.groups)
        assert len(row.scores) == len(mine)
        for key, found in mine:
            assert row.scores[key].mean == pytest.approx(found.mean())
            assert row.scores[key].n == len(found)
            assert row.scores[key].deviation == (pytest.approx(found.std()) if len(found) > 1 else None)
        with pytest.raises(KeyError):
            row.scores["p", "AP", "nowhere"]


def test_what_is_not_there_says_why() -> None:
    arms = [ArmJobs(name, name == "a", (name,)) for name in "abcd"]
    states = {"a": "done", "b": "pending", "c": "failed", "d": "stale"}
    store = made(states, [("a", PROTOCOL, "AP", 70.0), ("d", PROTOCOL, "AP", 60.0)])
    layout = study_table("t", "tiny", rows(arms, store), counted(*"abcd"))
    assert [text[f"AP {PROTOCOL}"] for text in layout.texts] == ["70.0", "pending", "failed", "60.0"]
    assert [text["state"] for text in layout.texts] == ["done", "pending", "failed", "stale"]
    assert layout.missing == 3
    assert any("--stale" in note for note in layout.footnotes)


def test_an_arm_with_a_failed_seed_is_not_done() -> None:
    arms = [ArmJobs("a", True, ("1", "2"))]
    store = made({"1": "done", "2": "failed"}, [("1", PROTOCOL, "AP", 70.0)])
    (row,) = rows(arms, store)
    assert row.state == "failed"
    assert study_table("t", "tiny", [row], counted("a")).missing == 1


def test_a_cancelled_seed_is_not_done() -> None:
    arms = [ArmJobs("a", True, ("1", "2", "3")), ArmJobs("b", False, ("4", "5", "6")), ArmJobs("c", False, ("7",))]
    states = dict.fromkeys("1245", "done") | {"3": "cancelled", "6": "cancelled", "7": "cancelled"}
    store = made(states, [(job, PROTOCOL, "AP", 70.0) for job in "1245"])
    layout = study_table("t", "tiny", rows(arms, store), counted("a", "b", "c"))
    assert [text["state"] for text in layout.texts] == ["cancelled"] * 3
    assert [text[f"AP {PROTOCOL}"] for text in layout.texts] == ["70.0 ± 0.0", "70.0 ± 0.0", "cancelled"]
    assert "2 of 3 seeds (1 cancelled): a; b." in layout.footnotes
    assert layout.missing == 3


def test_protocols_never_share_a_column() -> None:
    arms = [ArmJobs("a", True, ("1",)), ArmJobs("b", False, ("2",))]
    other = "coco-kp/gt-boxes/noflip"
    store = made({"1": "done", "2": "done"}, [("1", PROTOCOL, "AP", 70.0), ("2", other, "AP", 69.0)])
    layout = study_table("t", "tiny", rows(arms, store), counted("a", "b"))
    headings = [column.heading for column in layout.columns]
    assert "AP (gt-boxes/flip)" in headings
    assert "AP (gt-boxes/noflip)" in headings
    assert layout.texts[0][f"AP {other}"] == "–"
    assert {f"AP: {PROTOCOL}.", f"AP: {other}."} <= set(layout.footnotes)


def test_protocols_share_a_column_when_asked_and_every_number_is_marked() -> None:
    arms = [ArmJobs("a", True, ("1",)), ArmJobs("b", False, ("2",)), ArmJobs("c", False, ("3",))]
    other = "coco-kp/gt-boxes/noflip"
    scores = [("1", PROTOCOL, "AP", 70.0), ("2", other, "AP", 69.0), ("1", "pckh@0.5/coco17/x", "PCKh", 80.0)]
    store = made({"1": "done", "2": "done", "3": "pending"}, scores)
    layout = study_table("t", "tiny", rows(arms, store), counted(*"abc"), mixed=True)
    assert [text["AP coco-kp"] for text in layout.texts] == ["70.0", "69.0", "pending"]
    assert [marks["AP coco-kp"] for marks in layout.marks] == [["a"], ["b"], []]
    assert [record["cells"]["AP coco-kp"]["protocol"] for record in layout.records[:2]] == [PROTOCOL, other]
    assert {Note(f"AP: {PROTOCOL}.", "a"), Note(f"AP: {other}.", "b")} <= set(layout.footnotes)
    assert layout.texts[0]["PCKh pckh@0.5/coco17/x"] == "80.0"


def test_a_papers_column_holds_one_protocol_unless_asked() -> None:
    paper = papers.read("efficient-hrnet")
    table = paper.table("I")
    names = list(dict.fromkeys(row.arm for row in table.rows if row.arm))
    arms = [ArmJobs(name, name == "baseline", (name,)) for name in names]
    other = "coco-kp/gt-boxes/noflip"
    scores = [(name, PROTOCOL if name == "baseline" else other, "AP", 70.0) for name in names]
    found = {row.arm.name: row for row in rows(arms, made(dict.fromkeys(names, "done"), scores))}
    answers = {table.study: Answers(table.study, "tiny", found, counted(*names), counted(*names))}
    alone = paper_table(fill(paper, table, answers))
    assert [text["AP measured"] for text in alone.texts] == ["70.0"] + ["–"] * (len(table.rows) - 1)
    assert any("--mixed-protocols" in note for note in alone.footnotes)
    mixed = paper_table(fill(paper, table, answers, mixed=True))
    # The paper's own protocol comes first, whoever else was scored by another.
    scores = [(name, PROTOCOL if name == "baseline" else table.protocol, "AP", 70.0) for name in names]
    found = {row.arm.name: row for row in rows(arms, made(dict.fromkeys(names, "done"), scores))}
    own = paper_table(fill(paper, table, {table.study: replace(answers[table.study], rows=found)}))
    assert [text["AP measured"] for text in own.texts] == ["–"] + ["70.0"] * (len(table.rows) - 1)
    assert {text["AP measured"] for text in mixed.texts} == {"70.0"}
    assert [marks["AP measured"] for marks in mixed.marks] == [["a"]] + [["b"]] * (len(table.rows) - 1)


def test_groups_stand_with_their_numbers() -> None:
    arms = [ArmJobs("a", True, ("1", "2")), ArmJobs("b", False, ("3",))]
    protocol, nine = "pckh@0.5/hrnet-v1/gt-boxes/flip", "activity:Skiing"
    frame = pd.DataFrame(
        [
            (job, protocol, "PCKh", group, value, n)
            for job in "123"
            for group, value, n in [("all", 80.0, 90), (nine, 60.0 + int(job), 7)]
        ],
        columns=["job", "protocol", "metric", "group", "value", "n"],
    )
    found = rows(arms, Store({job: State("done") for job in "123"}, run_rows(), frame))
    layout = group_table("t", "tiny", found, "activity")
    assert [column.heading for column in layout.columns] == ["Arm", "PCKh@0.5", "Skiing (n 7)", "State"]
    assert [text[nine] for text in layout.texts] == ["61.5 ± 0.7", "63.0"]
    assert layout.records[0]["cells"][nine]["counted"] == 7
    with pytest.raises(CannotJudge, match="no scores by joint"):
        group_table("t", "tiny", found, "joint")


def test_a_papers_table_shows_reported_beside_measured_with_its_errata() -> None:
    paper = papers.read("efficient-hrnet")
    table = paper.table("I")
    names = [row.arm for row in table.rows]
    arms = [ArmJobs(name, name == "baseline", (name,)) for name in names]
    store = made({name: "done" for name in names}, [(name, PROTOCOL, "AP", 17.5) for name in names])
    by_name = {row.arm.name: row for row in rows(arms, store)}
    answers = {table.study: Answers(table.study, "tiny", by_name, counted(*names), counted(*names))}
    layout = paper_table(fill(paper, table, answers))
    first, second = layout.texts[0], layout.texts[1]
    assert (first["parameters reported"], second["parameters reported"]) == ("28.5M", "31.1M")
    assert (layout.marks[0]["parameters reported"], layout.marks[1]["parameters reported"]) == ([], ["1"])
    assert first["parameters counted"] == "28.536M ="
    assert (first["AP reported"], first["AP measured"]) == ("74.4", "17.5")
    assert any(str(note).startswith("[1] #Param cannot come from the described module") for note in layout.footnotes)
    assert any("scale tiny" in note and "not comparable" in note for note in layout.footnotes)


def test_a_training_that_ran_short_of_memory_has_a_footnote() -> None:
    arms = [ArmJobs("a", True, ("1",)), ArmJobs("b", False, ("2",)), ArmJobs("c", False, ("3", "4"))]
    ran = [(1, 1), (2, 2), (4, 2), (None, 1)]  # parts it was computed in, and those asked for
    runs = run_rows(
        *(
            {"job": str(number), "parts": parts, "config": json.dumps({"train": {"accumulate": asked}})}
            for number, (parts, asked) in enumerate(ran, start=1)
        )
    )
    scores = made({}, [(job, PROTOCOL, "AP", 1.0) for job in "1234"]).scores
    found = rows(arms, Store({job: State("done") for job in "1234"}, runs, scores))
    notes = study_table("t", "tiny", found, {}).footnotes
    assert [note for note in notes if "memory" in note] == [
        "c: short of memory, mini-batches in 4 parts: batch norm saw one part at a time."
    ]


@pytest.mark.parametrize(
    ("parts", "processes", "recipe", "said"),
    [
        (1, 1, {}, ()),
        (2, 1, {"accumulate": 2}, ()),
        (2, 1, {}, ("in 2 parts",)),
        (1, 4, {"sync_batch_norm": True}, ()),
        (1, 4, {"sync_batch_norm": False}, ("shared by 4 processes",)),
        (2, 4, {}, ("in 2 parts", "shared by 4 processes")),
        (None, None, {}, ()),
    ],
)
def test_a_note_says_where_batch_norm_saw_less(
    parts: int | None, processes: int | None, recipe: dict[str, object], said: tuple[str, ...]
) -> None:
    row = {"job": "1", "parts": parts, "processes": processes, "config": json.dumps({"train": recipe})}
    store = Store({"1": State("done")}, run_rows(row), made({}, []).scores)
    (found,) = rows([ArmJobs("a", True, ("1",))], store)
    assert len(found.notes) == bool(said)
    assert all(words in note for note in found.notes for words in said)


def test_a_group_table_says_which_arms_have_only_other_protocols() -> None:
    arms = [ArmJobs("a", True, ("1",)), ArmJobs("b", False, ("2",))]
    first, second = "pckh@0.5/hrnet-v1/flip", "pckh@0.5/hrnet-v1/flip/dark"
    scores = [("1", first, "PCKh", 80.0, "joint:nose"), ("2", second, "PCKh", 81.0, "joint:nose")]
    frame = pd.DataFrame(scores, columns=["job", "protocol", "metric", "value", "group"]).assign(n=9)
    store = Store({"1": State("done"), "2": State("done")}, run_rows(), frame)
    layout = group_table("t", "tiny", rows(arms, store), "joint")
    assert f"b: not shown, by {second}; --mixed-protocols, or --protocol {second}, does." in layout.footnotes
    mixed = group_table("t", "tiny", rows(arms, store), "joint", mixed=True)
    assert not any("not shown" in str(note) for note in mixed.footnotes)
    with pytest.raises(CannotJudge, match="no scores by activity; finished arms have none; they have them by joint"):
        group_table("t", "tiny", rows(arms, store), "activity")
