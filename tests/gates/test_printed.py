"""Gates against a paper's number: whose interval, and what is not comparable."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchbox.errors import CannotJudge
from benchbox.gates import printed
from benchbox.gates.declaration import read_gates
from benchbox.gates.judge import Judge
from benchbox.gates.verdict import Verdict
from benchbox.papers.read import Paper, read
from tests.gates import made

GATE = {"against": '"paper"', "scale": '"paper"', "tolerance": "2.0", "seeds": "1"}


def paper(value: str, not_comparable: str = "") -> Paper:
    columns = [
        {"key": "arm", "heading": "Arm"},
        {"key": "PCKh", "heading": "PCKh", "metric": "PCKh"},
        {"key": "knee", "heading": "Knee", "metric": "PCKh", "group": "pair:Knee"},
        {"key": "parameters", "heading": "#Params", "metric": "parameters"},
    ]
    row = {
        "key": "first",
        "printed": ["x", value, value, "0.001M"],
        "arm": "baseline",
        "not_comparable": not_comparable,
    }
    table = {"id": "I", "title": "t", "study": "study", "about": "a", "split": "s", "protocol": "p"}
    tables = [table | {"columns": columns, "rows": [row]}]
    return Paper.model_validate({"name": "made-up", "title": "Made up", "tables": tables})


def judged(folder: Path, value: str, **change: str) -> Verdict:
    declaration = read_gates(made.declare(folder, {**GATE, **change}))
    results = made.results_of(declaration, folder)
    (verdict,) = Judge(results, paper(value), "").judge(declaration.gates)
    return verdict


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("paper")
    made.write(found, scale="paper", seeds=[0])
    study = found / "study.toml"
    study.write_text(study.read_text().replace("[0, 1, 2]", "[0]"))
    return found


def test_the_interval_is_that_of_the_measured_side(folder: Path) -> None:
    verdict = judged(folder, "50.0")
    assert (verdict.outcome, verdict.reference, verdict.seeds) == ("improved", 50.0, (0, 1))
    assert verdict.change == verdict.measured - 50.0
    # the ratio's standard error over images (Cochran, Sampling Techniques, 6.3), by the linearised residuals
    declaration = read_gates(folder / "gates.toml")
    results = made.results_of(declaration, folder)
    sample = results.side("paper", "baseline").samples(made.PROTOCOL)[0].only([("PCKh", "all")])
    hits, counts = sample.hits.sum(axis=1), sample.counts.sum(axis=1)
    residuals = hits - verdict.measured / 100 * counts
    error = 100 * math.sqrt((residuals**2).sum() * len(hits) / (len(hits) - 1)) / counts.sum()
    assert (verdict.high - verdict.low) / 2 == pytest.approx(1.96 * error, rel=0.08)
    assert np.isclose((verdict.high + verdict.low) / 2, verdict.change)


def test_outcomes(folder: Path) -> None:
    measured = judged(folder, "50.0").measured
    assert judged(folder, f"{measured:.1f}", tolerance="5.0").outcome == "passed"
    assert judged(folder, f"{measured + 20:.1f}").outcome == "regressed"
    assert judged(folder, f"{measured:.1f}", tolerance="0.01").outcome == "could not judge"
    assert judged(folder, "50.0", metric='"parameters"', tolerance="0").outcome == "passed"


@pytest.mark.parametrize(
    ("value", "change", "said"),
    [
        ("50.0", {"group": '"joint:nose"'}, "PCKh of joint:nose: made-up prints none"),
        ("50.0", {"metric": '"PCK"'}, "no such score"),
        ("50.0", {"metric": '"macs"'}, "prints none"),
        ("-", {}, "prints none"),
        ("", {}, "prints none"),
        ("50.0", {"seeds": "2"}, "asks for 2 seeds"),
    ],
)
def test_what_is_not_comparable(folder: Path, value: str, change: dict[str, str], said: str) -> None:
    verdict = judged(folder, value, **change)
    assert verdict.outcome == "could not judge"
    assert said in verdict.reason


def test_a_printed_column_of_a_pair_is_found(folder: Path) -> None:
    verdict = judged(folder, "50.0", group='"pair:Knee"')
    assert verdict.reference == 50.0
    assert verdict.outcome in ("improved", "could not judge", "passed", "regressed")


def test_a_row_that_nothing_can_be_compared_with(folder: Path) -> None:
    declaration = read_gates(made.declare(folder, GATE))
    results = made.results_of(declaration, folder)
    (verdict,) = Judge(results, paper("50.0", "split: test-dev"), "").judge(declaration.gates)
    assert verdict.outcome == "could not judge"
    assert "not comparable: split: test-dev" in verdict.reason


def test_other_scales_and_protocols_than_the_papers(tmp_path: Path) -> None:
    made.write(tmp_path)
    verdict = judged(tmp_path, "50.0", scale='"tiny"')
    assert (verdict.outcome, verdict.reason) == ("could not judge", "scale tiny: made-up prints scores of scale paper")
    for protocol in ("coco-kp/det-56.4/flip/no-nms", "pckh@0.1/hrnet-v1/gt-boxes/flip", "coco-kp/gt-boxes/flip/best"):
        with pytest.raises(CannotJudge, match="usual way"):
            printed.check_protocol(protocol, "made-up")
    printed.check_protocol("coco-kp/det-56.4/flip", "made-up")


def test_a_printed_cell_of_the_registry(tmp_path: Path) -> None:
    gates = read_gates(made.declare(tmp_path, {**GATE, "metric": '"AP"'}, {**GATE, "metric": '"parameters"'})).gates
    # efficient-hrnet, Table I, first row
    assert [printed.cell(read("efficient-hrnet"), "hrnet_stages", gate) for gate in gates] == [74.4, 28.5e6]
