"""The page over results that were never trained: every number of the tables is on it, and what is wrong is said."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import shutil
import struct
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from benchbox.cli import page_studies, report, tables
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.files import read_json, write_json
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.report.persons import scores_of, worst
from benchbox.spec import read_study
from tests.gates import made
from tests.page.made import HOSTILE, Elements
from tests.report.made_up import spelt


@pytest.fixture
def folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the study in ablations/ and all its jobs done, from which the command line is called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    made.write(tmp_path)
    made.write(tmp_path, made.near(0.4), arm="stage 1", seeds=(0, 1))
    (tmp_path / "ablations").mkdir()
    shutil.copy(tmp_path / "study.toml", tmp_path / "ablations")
    return tmp_path


def asked(**change: object) -> report.Asked:
    usual = report.Asked([], None, None, Path("results"), Path("report.html"), False)
    return dataclasses.replace(usual, **change)  # type: ignore[arg-type]


def shown(**change: object) -> ElementTree.Element:
    """Write the page and read it back."""
    one = asked(**change)
    assert report.report(one) == 0
    return ElementTree.fromstring(one.out.read_text(encoding="utf-8"))


def rows(page: ElementTree.Element, id: str) -> list[dict[str, str]]:
    """Return a table's rows, texts by heading; of headings that stand twice the first."""
    table = page.find(f".//table[@id='{id}']")
    assert table is not None, id
    heads = ["".join(head.itertext()) for head in table.findall("thead/tr/th")]
    found = []
    for row in table.findall("tbody/tr"):
        texts: dict[str, str] = {}
        for head, cell in zip(heads, row, strict=True):
            texts.setdefault(head, "".join(cell.itertext()))
        found.append(texts)
    return found


def facts(page: ElementTree.Element) -> dict[str, str]:
    names = [one.text or "" for one in page.findall(".//section[@id='study-1']/dl/dt")]
    return dict(zip(names, [one.text or "" for one in page.findall(".//section[@id='study-1']/dl/dd")], strict=False))


def commands(page: ElementTree.Element) -> list[str]:
    return ["".join(one.itertext()) for one in page.iterfind(".//pre/code")]


def in_json(capsys: pytest.CaptureFixture[str], by: str | None) -> list[dict[str, dict[str, float | None]]]:
    capsys.readouterr()
    what = tables.Shown(by, [], False, [])
    assert tables.table(Path("ablations/study.toml"), None, "tiny", False, what, Path("results"), "json") == 0
    return [row["cells"] for row in json.loads(capsys.readouterr().out)["rows"]]


@pytest.mark.parametrize("by", [None, "joint", "category"])
def test_every_number_of_the_table_is_on_the_page(
    folder: Path, capsys: pytest.CaptureFixture[str], by: str | None
) -> None:
    page = shown()
    table = page.find(f".//table[@id='study-1-{by or 'scores'}']")
    assert table is not None
    wanted = in_json(capsys, by)
    numbers = 0
    for row, cells in zip(table.findall("tbody/tr"), wanted, strict=True):
        texts = ["".join(cell.itertext()) for cell in row]
        for cell in cells.values():
            text = f"{cell['measured']:.1f} ± {cell['deviation']:.1f} (n {cell['n']})"
            assert text in texts
            numbers += 1
    assert numbers == len(wanted) * len(wanted[0]) >= 2


def test_the_best_is_bold_and_the_second_underlined(folder: Path) -> None:
    def marked(page: ElementTree.Element, tag: str) -> list[str | None]:
        lines = page.findall(".//table[@id='study-1-scores']/tbody/tr")
        return [row[0].text for row in lines if row.find(f"td/{tag}") is not None]

    page = shown()
    assert (marked(page, "b"), marked(page, "u")) == ([], [])  # an arm that is not done has no rank, nor one alone
    made.write(folder, made.near(0.4), arm="stage 1", seeds=[2])
    page = shown()
    assert (marked(page, "b"), marked(page, "u")) == (["baseline (reference)"], ["stage 1"])


def test_counts_states_and_ways_to_go_on(folder: Path) -> None:
    arms = {(arm.name, arm.seed): arm for arm in expand(read_study(Path("ablations/study.toml")), "tiny")}
    third = arms["stage 1", 2]
    failing = JobDir.of(Path("results"), third.job)
    failing.write(third.config)
    attempt = failing.claim()
    assert attempt is not None
    attempt.end("failed", failure="nan", error="loss is NaN at epoch 1\nTraceback of it")
    stale = JobDir.of(Path("results"), arms["stage 1", 1].job).result()
    assert stale is not None
    write_json(stale.published, (read_json(stale.published) or {}) | {"source": "other"})
    page = shown()
    assert facts(page)["Jobs"] == "4 done, 1 stale, 1 failed"
    assert facts(page)["Scale"] == "tiny (the largest with a finished job)"
    by_job = {row["Job"]: row for row in rows(page, "study-1-jobs")}
    assert by_job[third.job]["State"] == "failed"
    assert by_job[third.job]["What happened"] == f"[nan] loss is NaN at epoch 1 benchbox logs {third.job}"
    run = "benchbox run ablations/study.toml --scale tiny"
    assert {run, f"{run} --retry nan", f"{run} --stale"} <= set(commands(page))
    assert commands(page)[-1] == "benchbox report ablations/study.toml --scale tiny --quick --out report.html"


def test_pending_jobs_are_shown_and_named_studies_need_no_results(folder: Path) -> None:
    made.unpublish(folder)
    page = shown(studies=[Path("ablations/study.toml")], scale="tiny")
    assert facts(page)["Jobs"] == "1 pending, 5 interrupted"
    assert [row["PCKh@0.5"] for row in rows(page, "study-1-scores") if "PCKh@0.5" in row] == []
    assert {row["State"] for row in rows(page, "study-1-scores")} == {"interrupted"}
    assert page.findtext(".//section[@id='study-1']/dl[2]/dt") == "Go on: 6 to do"


def test_other_results_give_another_page(folder: Path) -> None:
    pages = []
    for error in (None, None, 0.35):
        if error:
            made.write(folder, made.near(error), arm="stage 1", seeds=[2])
        shown()
        pages.append((folder / "report.html").read_bytes())
    assert pages[0] == pages[1] != pages[2]


@pytest.mark.studies
def test_the_whole_page_has_differences_plots_and_persons_and_is_the_same_twice(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = b"\x89PNG made up"
    monkeypatch.setattr(page_studies.pictures, "persons", lambda results, job, numbers, data: {numbers[0]: drawn})
    page, written = shown(full=None), (folder / "report.html").read_bytes()
    shown(full=True, out=Path("again.html"))
    again = (folder / "again.html").read_bytes()
    assert written == again.replace(b"<span>--full</span> ", b"").replace(b"again.html", b"report.html")
    capsys.readouterr()
    what = tables.Shown(None, [], False, [], compare=True)
    tables.table(Path("ablations/study.toml"), None, "tiny", False, what, Path("results"), "json")
    compared = json.loads(capsys.readouterr().out)["rows"][1]["cells"]
    texts = ["".join(cell.itertext()) for cell in page.findall(".//table[@id='study-1-scores']/tbody/tr[2]/td")]
    gaps = [one["against_reference"] for name, one in compared.items() if name.startswith(("PCKh", "AP "))]
    assert len(gaps) == 1
    for gap in gaps:
        assert any(
            text.startswith(f"{gap['difference']:+.1f} [{gap['low']:+.1f}, {gap['high']:+.1f}]") for text in texts
        )
    captions = [one.text for one in page.findall(".//figure/figcaption")]
    assert captions[:2] == ["pareto", "deltas"]
    ids = [one.get("id") for one in page.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    drawings = [one for one in page.iter() if one.tag.endswith("svg")]
    assert len(drawings) == len(captions) - page_studies.WORST
    inside = [one.get("id", "") for drawing in drawings for one in drawing.iter() if one.get("id")]
    assert len(inside) > 10
    assert all(name.startswith("study-1-") for name in inside)
    assert [one.get("src", "")[:22] for one in page.iter("img")] == ["data:image/png;base64,"]
    lines = ["".join(one.itertext()) for one in page.findall(".//ul[@class='persons']/li")]
    assert len(lines) == page_studies.WORST
    scores = [float(re.findall(r"OKS ([\d.]+)", line)[0]) for line in lines]
    assert scores == sorted(scores)
    assert all("by the reference" not in line for line in lines)  # the reference itself is the best arm


def test_the_page_is_opened_when_that_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(report.webbrowser, "open", lambda address: not opened.append(address))
    shown(opened=True)
    assert opened == [(folder / "report.html").as_uri()]
    monkeypatch.setattr(report.webbrowser, "open", lambda address: False)
    with pytest.raises(EnvironmentProblem, match="no browser found"):
        shown(opened=True)


def test_a_page_of_many_jobs_says_what_it_leaves_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "WHOLE_UP_TO", 5)
    page = shown(full=None)
    assert report.LEFT_OUT in capsys.readouterr().err
    assert report.LEFT_OUT in [one.text for one in page.findall(".//p[@class='note']")]
    assert not [one for one in page.iter() if one.tag.endswith("svg")]


def test_what_cannot_be_compared_is_said_on_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise EnvironmentProblem("coco: BENCHBOX_DATA is not set")

    monkeypatch.setattr(report, "compared", refuse)
    monkeypatch.setattr(page_studies.pictures, "persons", refuse)
    monkeypatch.setattr(report, "_svgs", lambda *_: {})
    page = shown(full=True)
    said = [one.text for one in page.findall(".//p")]
    assert "No comparisons: coco: BENCHBOX_DATA is not set." in said
    assert any("Without pictures: coco: BENCHBOX_DATA is not set." in (text or "") for text in said)
    assert len(page.findall(".//ul[@class='persons']/li")) == page_studies.WORST


def test_what_made_the_results_is_told(folder: Path) -> None:
    page = shown()
    (row,) = rows(page, "made-by")
    assert (row["Commit"], row["Python"], row["Device"], row["Jobs"]) == ("abc", "3.11", "a made-up device", "5")


def test_hostile_names_stay_text_the_whole_way(folder: Path) -> None:
    study, shapes = folder / "ablations/study.toml", []
    for text in ("harmless", *(one for one in HOSTILE if "\ud800" not in one)):
        renamed = made.STUDY.replace('"Never trained"', spelt(f"title {text}"))
        study.write_text(renamed.replace('"stage 1"', spelt(f"arm {text}")), encoding="utf-8")
        assert report.report(asked()) == 0
        found = Elements((folder / "report.html").read_text(encoding="utf-8"))
        shapes.append([(tag, tuple(attributes)) for tag, attributes in found.tags])
        seen = "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
        assert {f"title {seen}", f"arm {seen}"} <= set(found.texts)
    assert all(shape == shapes[0] for shape in shapes)


@pytest.mark.parametrize(
    ("change", "problem", "text"),
    [
        ({"studies": [Path("ablations/studi.toml")]}, InvalidInput, "ablations/studi.toml"),
        ({"paper": "acn"}, InvalidInput, 'did you mean "acnn"'),
        ({"scale": "tinny"}, InvalidInput, 'did you mean "tiny"'),
        ({"out": Path("results")}, InvalidInput, "--out results: is a folder"),
        ({"results": Path("elsewhere")}, CannotJudge, "no study in ablations/ has results in elsewhere"),
        ({"out": Path("ablations/study.toml/page.html")}, InvalidInput, "study.toml is a file, not a folder"),
    ],
)
def test_mistakes_are_one_line(folder: Path, change: dict[str, object], problem: type[Exception], text: str) -> None:
    with pytest.raises(problem) as raised:
        report.report(asked(**change))
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)


def people(oks: list[float | None], errors: list[list[float | None]]) -> pa.Table:
    """Return the columns of `people` that matter."""
    names = [f"{number}.jpg" for number in range(len(oks))]
    columns = {"person": [10 + number for number in range(len(oks))], "image": names, "image_id": list(range(len(oks)))}
    columns |= {"category": ["a"] * len(oks), "activity": [""] * len(oks), "joint_errors": errors}
    return pa.table(columns | {"oks": pa.array(oks, pa.float64())})


def test_the_worst_persons_come_first() -> None:
    by_oks = people([0.5, None, 0.1, 0.1], [[1.0], [None], [1.0], [2.0]])
    assert [(one.number, round(one.score, 6)) for one in worst(by_oks, 3)] == [(13, 10.0), (12, 10.0), (10, 50.0)]
    nan = float("nan")
    by_joints = people([None] * 3, [[0.1, 0.5, nan, 0.9], [nan] * 4, [0.6, 9.0, 0.7, nan]])
    assert [(one.number, round(one.score, 2), one.measure) for one in worst(by_joints, 9)] == [
        (12, 0.0, "joints found"),
        (10, 66.67, "joints found"),
    ]
    assert scores_of(by_joints, [10, 11, 99]) == {10: pytest.approx(200 / 3)}
    assert not np.isnan(list(scores_of(by_oks, [10, 11]).values())).any()


@pytest.mark.studies
def test_a_trained_study_has_plots_and_pictures(
    root: Path, tmp_path: Path, cache: Path, smoke_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    study, out = Path("ablations/smoke.toml"), tmp_path / "report.html"
    page = shown(studies=[study], results=smoke_results, out=out, full=None)
    pictures = [base64.b64decode(one.get("src", "").partition(",")[2]) for one in page.iter("img")]
    assert len(pictures) == len(set(pictures)) == page_studies.WORST
    assert all(one.startswith(b"\x89PNG") and one[16:24] == struct.pack(">II", 160, 160) for one in pictures)
    kinds = [one.text for one in page.findall(".//figure[@class='plot']/figcaption")]
    assert kinds == ["pareto", "deltas", "joints", "categories", "curves", "pck", "oks"]
    assert not page.findall(".//p[@class='note']")
