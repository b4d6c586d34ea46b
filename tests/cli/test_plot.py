"""`benchbox plot` on results that never trained: figures hold the stored scores, and what is missing is said."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchbox import store
from benchbox.cli.plot import How, plot, svgs
from benchbox.cli.plotted import GATHER
from benchbox.cli.shown import Shown
from benchbox.cli.study import Choice, Selection, select
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput
from benchbox.figures import KINDS
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.report import curves
from benchbox.spec import read_study
from benchbox.worker import source
from benchbox.worker.rescore import rescore_all
from tests.gates import made

PCKH, AP = "pckh@0.5/coco17/gt-boxes/flip", "coco-kp/gt-boxes/flip"
EPOCHS = ((1, 0.5, 30.0), (2, 0.25, 40.0))


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("BENCHBOX_CACHE", str(cache))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Two arms of three seeds on the embedded test persons, with scores of PCKh and AP and logs; only to be read."""
    base = tmp_path_factory.mktemp("plot")
    (base / "study.toml").write_text(made.STUDY)
    arm = expand(read_study(base / "study.toml"), "tiny")[0]
    people = source.test_crops(arm.config, source.open_source(arm.config, None, cache)).people
    found = list(made.write(base, made.near(0.1, 0.1), people=people).values())
    found += made.write(base, made.near(0.15, 0.3), people=people, arm="stage 1").values()
    rescore_all(base / "results", found, [], [], data=None, cache=cache, check=False)
    for place, job in enumerate(found):
        lines = [f"epoch {n}/2 samples {n} loss {loss + place:.6f} PCKh {score:.1f}" for n, loss, score in EPOCHS]
        result = JobDir.of(base / "results", job).result()
        assert result is not None
        result.log.write_text("\n".join(lines))
    return base


@functools.cache
def gathered(folder: Path, kind: str) -> Any:
    """Return the data of a kind for all arms; some ask a worker, which takes seconds to start."""
    return GATHER[kind](Shown(chosen(folder)))


def choice(folder: Path, seeds: str | None = None, only: tuple[str, ...] = ()) -> Choice:
    return Choice("tiny", seeds, only or None, folder / "results")


def chosen(folder: Path, *only: str, seeds: str | None = None) -> Selection:
    return select(folder / "study.toml", choice(folder, seeds, only))


def stored(folder: Path, arm: str, protocol: str, metric: str, group: str = "all") -> list[float]:
    """Return an arm's scores by seed, as they stand in the Parquet files."""
    jobs = [one.job for one in expand(read_study(folder / "study.toml"), "tiny") if one.name == arm]
    scores = store.read(folder / "results", jobs).scores
    rows = scores[(scores.protocol == protocol) & (scores.metric == metric) & (scores.group == group)]
    return [float(rows[rows.job == job]["value"].iloc[0]) for job in jobs]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_every_kind_is_drawn_and_gathered() -> None:
    assert list(KINDS) == list(GATHER)


def test_accuracy_stands_over_the_costs_with_bars_over_seeds(folder: Path) -> None:
    data = GATHER["pareto"](Shown(chosen(folder), "macs"))
    assert [panel.label for panel in data.panels] == ["AP, %", "PCKh@0.5, %"]
    for panel, key in zip(data.panels, ((AP, "AP"), (PCKH, "PCKh")), strict=True):
        for point in panel.points:
            values = stored(folder, point.name, *key)
            assert point.y == pytest.approx(mean(values), abs=1e-9)
            assert point.deviation == pytest.approx((sum((one - point.y) ** 2 for one in values) / 2) ** 0.5)
            assert (point.n, point.reference) == (3, point.name == "baseline")
        assert panel.points[1].x > panel.points[0].x > 0  # attention computes something
    assert data.x_label == "Multiply-adds"


def test_the_curve_of_pckh_goes_through_the_stored_score(folder: Path) -> None:
    (panel,) = GATHER["pck"](Shown(chosen(folder))).panels
    for line in panel.lines:
        assert line.y[line.x.index(0.5)] == pytest.approx(mean(stored(folder, line.name, PCKH, "PCKh")), abs=1e-9)
        assert (line.x[0], line.x[-1], line.n) == (0, 0.5, 3)
    (alone,) = GATHER["pck"](Shown(chosen(folder, "baseline", seeds="1"))).panels[0].lines
    assert alone.y[alone.x.index(0.5)] == stored(folder, "baseline", PCKH, "PCKh")[1]
    assert alone.deviation is None


def test_ap_by_oks_has_the_stored_scores_as_its_mean_and_points(folder: Path) -> None:
    (panel,) = gathered(folder, "oks").panels
    for line in panel.lines:
        found = [mean(list(line.y)), line.y[line.x.index(0.5)], line.y[line.x.index(0.75)]]
        expected = [mean(stored(folder, line.name, AP, metric)) for metric in ("AP", "AP50", "AP75")]
        assert found == pytest.approx(expected, abs=1e-9)
    assert panel.lines[0].y[0] > panel.lines[1].y[0] > 0


def test_differences_are_those_of_the_scores_and_say_what_is_certain(folder: Path) -> None:
    data = gathered(folder, "deltas")
    for panel, key in zip(data.panels, ((AP, "AP"), (PCKH, "PCKh")), strict=True):
        (delta,) = panel.deltas
        expected = mean(stored(folder, "stage 1", *key)) - mean(stored(folder, "baseline", *key))
        assert (delta.name, delta.difference) == ("stage 1", pytest.approx(expected, abs=1e-9))
        assert delta.low < delta.difference < delta.high < 0
        assert delta.certain
    assert any(note.startswith("3 and 3 seeds") for note in data.notes)
    assert "Reference: baseline." in data.notes


def test_differences_find_a_reference_that_was_not_chosen(folder: Path) -> None:
    (delta,) = GATHER["deltas"](Shown(chosen(folder, "stage"))).panels[1].deltas
    assert delta.difference < -5
    with pytest.raises(CannotJudge, match="needs results of a reference arm"):
        GATHER["deltas"](Shown(chosen(folder, "baseline")))


@pytest.mark.parametrize(("kind", "by"), [("joints", "joint"), ("categories", "category")])
def test_a_grid_holds_the_stored_scores(folder: Path, kind: str, by: str) -> None:
    data = GATHER[kind](Shown(chosen(folder)))
    assert (list(data.rows), list(data.references)) == (["baseline", "stage 1"], [True, False])
    assert len(data.columns) > 5
    for row, arm in enumerate(data.rows):
        for column, heading in enumerate(data.columns):
            group = "all" if heading == "all" else f"{by}:{heading.partition(' (n ')[0]}"
            assert data.values[row, column] == pytest.approx(mean(stored(folder, arm, PCKH, "PCKh", group)), abs=1e-9)


def test_training_is_drawn_from_the_logs(folder: Path) -> None:
    loss, score = GATHER["curves"](Shown(chosen(folder))).panels
    assert [list(line.y) for line in loss.lines] == [[1.5, 1.25], [4.5, 4.25]]  # means of places 0-2 and 3-5
    assert [list(line.deviation) for line in loss.lines] == [[1, 1], [1, 1]]
    assert [list(line.y) for line in score.lines] == [[30, 40], [30, 40]]
    assert [list(line.x) for line in (*loss.lines, *score.lines)] == [[1, 2]] * 4


def test_scores_on_all_persons_go_before_those_at_a_glance(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"epoch": 1, "AP": 1.0, "PCKh": 11.0}, {"epoch": 2, "AP": 2.0, "PCKh": 22.0}]
    monkeypatch.setattr(curves, "validations", lambda text: rows)
    data = GATHER["curves"](Shown(chosen(folder)))
    assert [list(line.y) for line in data.panels[1].lines] == [[1, 2], [1, 2]]
    assert data.panels[1].y_label == "AP, %"
    assert "Scores on all test persons." in data.notes


def test_the_verb_writes_every_kind_and_prints_the_paths(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("deltas", "oks"):
        monkeypatch.setitem(GATHER, kind, functools.partial(lambda shown, kind: gathered(folder, kind), kind=kind))
    how = How(out=tmp_path / "new/plots")
    assert plot(folder / "study.toml", None, Choice(None, None, None, folder / "results"), how) == 0
    said = capsys.readouterr()
    expected = [how.out / f"study.tiny.{kind}.svg" for kind in KINDS]
    assert said.out.splitlines() == list(map(str, expected))
    assert said.err == ""
    assert sorted(how.out.iterdir()) == sorted(expected)
    again = replace(how, out=tmp_path / "again", kinds=("pck", "pareto"))
    plot(folder / "study.toml", None, choice(folder), again)
    assert sorted(file.name for file in again.out.iterdir()) == ["study.tiny.pareto.svg", "study.tiny.pck.svg"]
    assert capsys.readouterr().out.splitlines() == sorted(map(str, again.out.iterdir()))
    for file in again.out.iterdir():
        assert file.read_bytes() == (how.out / file.name).read_bytes()


def copied(folder: Path, tmp_path: Path, change: Callable[[Path], Any], arm: str, seed: int) -> Selection:
    """Return the study in a copy of the results in which the published record of one job is changed."""
    shutil.copytree(folder, tmp_path / "copy")
    arms = expand(read_study(folder / "study.toml"), "tiny")
    (job,) = [one.job for one in arms if (one.name, one.seed) == (arm, seed)]
    change(tmp_path / f"copy/results/jobs/{job}/attempts/1/published.json")
    return chosen(tmp_path / "copy")


def stale(published: Path) -> None:
    published.write_text(json.dumps({**json.loads(published.read_text()), "source": "of another day"}))


def test_stale_and_missing_seeds_are_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    selection = copied(folder, tmp_path, stale, "baseline", 1)
    data = GATHER["pareto"](Shown(selection))
    point, values = data.panels[1].points[0], stored(folder, "baseline", PCKH, "PCKh")
    assert (point.y, point.n) == (pytest.approx((values[0] + values[2]) / 2, abs=1e-9), 2)
    assert "baseline: 2 of 3 seeds." in data.notes
    one = Shown(replace(selection, arms=[arm for arm in selection.arms if arm.seed == 1]))
    (alone,) = GATHER["pareto"](one).panels[1].points
    assert (alone.name, alone.y) == ("stage 1", stored(folder, "stage 1", PCKH, "PCKh")[1])
    assert (alone.deviation, alone.n) == (None, 1)
    for kind in ("pareto", "joints", "curves", "pck"):
        assert "Left out: baseline (stale)." in GATHER[kind](one).notes
    with pytest.raises(CannotJudge, match="reference"):
        GATHER["deltas"](one)


def test_what_cannot_be_drawn_is_said_and_the_rest_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.write(tmp_path, seeds=(0,))
    how = How(out=tmp_path / "plots", kinds=("deltas", "categories", "curves", "oks"), format="png")
    assert plot(tmp_path / "study.toml", None, choice(tmp_path, "0"), how) == 0
    said = capsys.readouterr()
    assert [Path(line).name for line in said.out.split()] == ["study.tiny.categories.png"]
    assert said.err.splitlines() == [
        "study: deltas: not drawn: needs results of a reference arm and of another one",
        "study: curves: not drawn: no finished arm has more than one epoch on record",
        "study: oks: not drawn: no finished arm has scores of COCO's AP",
    ]
    with pytest.raises(CannotJudge, match="nothing that could be drawn"):
        plot(tmp_path / "study.toml", None, choice(tmp_path, "0"), replace(how, kinds=("oks",)))
    selection = select(tmp_path / "study.toml", choice(tmp_path, "0"))
    assert ", ".join(svgs(selection)) == "pareto, joints, categories, pck"


def test_svgs_for_a_page_come_in_the_order_of_kinds(folder: Path) -> None:
    found = svgs(chosen(folder), ["pck", "joints"])
    assert list(found) == ["joints", "pck"]
    for kind, text in found.items():
        assert text.startswith("<svg ")
        assert text.endswith("</svg>")
        assert f'id="{kind}-figure_1"' in text


def test_a_paper_is_drawn_study_by_study(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ablations").mkdir()
    (tmp_path / "ablations/hrnet_stages.toml").write_text(made.STUDY)
    (tmp_path / "ablations/hrnet_coco.toml").write_text(made.STUDY.replace("epochs = 2", "epochs = 7"))
    monkeypatch.chdir(tmp_path)
    how = How(kinds=("joints",), out=Path("plots"))
    assert plot(None, "efficient-hrnet", choice(folder), how) == 0
    said = capsys.readouterr()
    assert said.out == "plots/hrnet_stages.tiny.joints.svg\n"
    assert said.err.startswith("ablations/hrnet_coco.toml: no arm is done at scale tiny")
    assert len(said.err.splitlines()) == 1
    for path, paper in ((None, None), (folder / "study.toml", "efficient-hrnet")):
        with pytest.raises(InvalidInput, match="either a study's file or --paper NAME"):
            plot(path, paper, choice(folder), how)


def test_nothing_done_is_nothing_to_draw(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(made.STUDY)
    selection = chosen(tmp_path)
    assert svgs(selection) == {}
    with pytest.raises(CannotJudge, match=r"study\.toml: no arm is done at scale tiny"):
        plot(tmp_path / "study.toml", None, choice(tmp_path), How(out=tmp_path / "plots"))
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (How(kinds=("paretto",)), '--kind paretto: unknown; did you mean "pareto"?'),
        (How(x="mac"), '--x mac: unknown; did you mean "macs"?'),
        (How(format="pdf"), "--format pdf: unknown; known: png, svg"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest_right_one(tmp_path: Path, how: How, said: str) -> None:
    (tmp_path / "study.toml").write_text(made.STUDY)
    with pytest.raises(InvalidInput) as problem:
        plot(tmp_path / "study.toml", None, choice(tmp_path), how)
    assert str(problem.value) == said


def test_a_wrong_protocol_is_a_mistake_and_another_one_shows_nothing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--protocol pckk: unknown metric"):
        plot(folder / "study.toml", None, choice(folder), How(protocols=("pckk",), out=tmp_path))
    with pytest.raises(CannotJudge, match="nothing that could be drawn"):
        plot(
            folder / "study.toml",
            None,
            choice(folder),
            How(("pareto", "pck"), protocols=("pckh@0.1/coco17",), out=tmp_path),
        )
    data = GATHER["pareto"](Shown(chosen(folder), asked=("pckh@0.5/coco17",)))
    assert [panel.label for panel in data.panels] == ["PCKh@0.5, %"]


def test_a_folder_that_is_a_file_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "plots").write_text("")
    how = How(kinds=("joints",), out=tmp_path / "plots")
    with pytest.raises(EnvironmentProblem, match=r"plots.*cannot be written"):
        plot(folder / "study.toml", None, choice(folder), how)


def test_the_command_line_knows_the_verb(
    benchbox: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    words = ["plot", str(folder / "study.toml"), "--results", str(folder / "results"), "--scale", "tiny"]
    done = benchbox(*words, "--kind", "joints", "--format", "png", "--out", "here")
    assert (done.returncode, done.stdout, done.stderr) == (0, "here/study.tiny.joints.png\n", "")
