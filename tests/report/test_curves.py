"""Curves against pycocotools, against stored scores, and against logs as the worker writes them."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbox import records
from benchbox.jobdir import JobDir
from benchbox.metrics import coco_text
from benchbox.metrics.coco_match import match
from benchbox.metrics.protocol import parse
from benchbox.pose.skeleton import COCO17
from benchbox.report import curves
from benchbox.worker.people import person_rows
from benchbox.worker.score import Ground, score_people
from benchbox.worker.training import _say
from tests.gates import made
from tests.metrics.coco_cases import SIGMAS, arrays, case, official, percent


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_ap_at_every_oks_is_that_of_pycocotools(tmp_path: Path, seed: int) -> None:
    document, results = case(seed)
    truth, predictions = arrays(document, results, tmp_path / "truth.json")
    matches = {"all": match(truth, predictions, sigmas=SIGMAS)}
    told = {**vars(coco_text.ground(truth, matches)), "predictions": {"job": coco_text.predictions(matches)}}
    found = np.array(curves.by_oks(json.loads(json.dumps(told)))["job"])
    evaluation = official(document, results)
    precision = evaluation.eval["precision"][:, :, 0, 0, 0]
    expected = np.where((precision == -1).all(axis=1), np.nan, 100 * precision.mean(axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=0)
    whole = percent(evaluation)
    if "AP" in whole:
        assert [found.mean(), found[0], found[5]] == pytest.approx(
            [whole["AP"], whole["AP50"], whole["AP75"]], abs=1e-9
        )


def test_the_thresholds_of_oks_are_cocos() -> None:
    assert curves.OKS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def people(protocols: list[str]) -> tuple[pa.Table, dict[str, float]]:
    """Return made-up persons, some errors exactly at a threshold, and their stored scores by protocol."""
    persons = made.persons(60)
    rows = person_rows(persons, COCO17, made.near()(persons, 0), np.ones((60, 17), np.float32))
    for row, error in zip(rows, (0.5, 0.1, 0.11, 0.2), strict=False):
        row["joint_errors"][0] = error
    table = pa.Table.from_pylist([{"version": records.VERSION, "job": "a", **row} for row in rows], records.PEOPLE)
    ground = Ground(COCO17, ("gt-boxes", "flip"))
    scores = score_people(table, ground, [parse(f"{name}/gt-boxes/flip") for name in protocols])
    return table, {row["protocol"]: row["value"] for row in scores if row["group"] == "all"}


def test_pckh_at_a_threshold_is_the_stored_score() -> None:
    names = [f"pckh@{threshold:g}/coco17" for threshold in (0.05, 0.1, 0.11, 0.2, 0.37, 0.5)]
    table, stored = people(names)
    x = curves.thresholds_for(list(stored))
    y = dict(zip(x, curves.by_threshold(table, "pckh@0.3/coco17/gt-boxes/flip", x), strict=True))
    assert len(set(stored.values())) == len(stored) == 6
    for name, value in stored.items():
        assert y[parse(name).threshold] == value


def test_a_curve_of_pckh_never_falls_and_ends_with_everybody() -> None:
    table, _ = people(["pckh@0.5/coco17"])
    y = curves.by_threshold(table, "pckh@0.5/coco17", [place / 10 for place in range(200)] + [1e9])
    assert y == sorted(y)
    assert y[-1] == 100


@pytest.mark.parametrize(
    ("protocols", "last"),
    [(["pckh@0.5/hrnet-v1", "pckh@0.11/hrnet-v1"], 0.5), (["pck@0.2/lsp-v1"], 0.5), (["pckh@0.725/coco17"], 0.73)],
)
def test_a_protocols_own_threshold_is_a_point_of_its_curve(protocols: list[str], last: float) -> None:
    found = curves.thresholds_for(protocols)
    assert {parse(name).threshold for name in protocols} <= set(found)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (0.0, last)


def test_protocols_that_differ_in_their_threshold_alone_share_a_curve() -> None:
    names = ["pckh@0.5/hrnet-v1/gt-boxes/flip", "pckh@0.1/hrnet-v1/gt-boxes/flip"]
    others = ["pckh@0.5/hrnet-v1/gt-boxes/noflip", "pckh@0.5/joints-v1/gt-boxes/flip", "coco-kp/gt-boxes/flip"]
    assert len({curves.family(name) for name in names}) == 1
    assert len({curves.family(name) for name in names + others}) == 4


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=5))
def test_seeds_are_summed_up_as_pythons_statistics_do(seeds: list[list[float]]) -> None:
    mean, deviation = curves.summed_up(seeds)
    columns = list(zip(*seeds, strict=True))
    assert mean == pytest.approx([statistics.mean(column) for column in columns], abs=1e-6)
    if len(seeds) == 1:
        assert deviation is None
    else:
        assert deviation == pytest.approx([statistics.stdev(column) for column in columns], abs=1e-6)


def say(capsys: pytest.CaptureFixture[str], epoch: int, loss: float, **score: float) -> str:
    """Return what the worker says of an epoch, counted from 0."""
    training: Any = SimpleNamespace(epochs=3)
    tally: Any = SimpleNamespace(samples=100 * (epoch + 1), loss=loss)
    capsys.readouterr()
    _say(training, tally, epoch, score)
    return capsys.readouterr().out


def test_a_log_is_read_as_the_worker_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (job,) = made.write(tmp_path, seeds=(0,)).values()
    folder = JobDir.of(tmp_path / "results", job)
    assert curves.logged(folder) == []  # no log at all
    result = folder.result()
    assert result is not None
    lines = ["goes on from attempt 0", say(capsys, 0, 0.5, PCKh=12.34), say(capsys, 1, 0.25, PCKh=20, AP=3)]
    result.log.write_text("\n".join([*lines, "epoch of something else", say(capsys, 2, float("nan"))]))
    found = curves.logged(folder)
    assert [(one.epoch, one.scores) for one in found] == [(1, {"PCKh": 12.3}), (2, {"PCKh": 20.0, "AP": 3.0}), (3, {})]
    assert [one.loss for one in found[:2]] == [0.5, 0.25]
    assert np.isnan(found[2].loss)


def test_an_epoch_counts_as_it_was_trained_last_and_orphans_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (job,) = made.write(tmp_path, seeds=(0,)).values()
    folder = JobDir.of(tmp_path / "results", job)
    (folder.attempts / "1").rename(folder.attempts / "2")
    published = folder.attempts / "2/published.json"
    published.write_text(json.dumps({**json.loads(published.read_text()), "attempt": 2}))
    for number, epochs in ((1, (0, 1)), (2, (1, 2)), (3, (2,))):
        (folder.attempts / str(number)).mkdir(exist_ok=True)
        text = "".join(say(capsys, epoch, number + epoch / 10, PCKh=number) for epoch in epochs)
        (folder.attempts / str(number) / "log.txt").write_text(text)
    assert [(one.epoch, one.loss) for one in curves.logged(folder)] == [(1, 1.0), (2, 2.1), (3, 2.2)]


def test_validations_of_records_that_keep_none_are_none() -> None:
    assert curves.validations(None) == curves.validations(float("nan")) == []
    assert curves.validations('[{"epoch": 2, "AP": 1.5}]') == [{"epoch": 2, "AP": 1.5}]
