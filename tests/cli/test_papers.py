"""Paper tables, claims, explanations and manuscripts over job folders that are made by hand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from benchbox import records
from benchbox.cli import claims, explain, tables, verify, watch
from benchbox.cli import manuscript as manuscripts
from benchbox.errors import CannotJudge, InvalidInput
from benchbox.jobdir import JobDir
from benchbox.metrics.categories import COLUMNS
from benchbox.plan import expand
from benchbox.spec import read_study
from tests import readme

PROTOCOL = "pckh@0.5/hrnet-v1/gt-boxes/flip/regressed/complete"
SCORES = {
    "no attention (Fig. 3)": 40.0,
    "global (Fig. 4)": 45.26,
    "heatmap (Fig. 5)": 35.0,
    "multi-resolution (Fig. 6)": 42.0,
}


def make(results: Path, root: Path, scores: Mapping[str, float]) -> dict[str, str]:
    """Write finished jobs of mrn_attention at tiny, and return their ids by arm."""
    found = {}
    for arm in expand(read_study(root / "ablations/mrn_attention.toml"), "tiny"):
        if arm.name in scores:
            folder = JobDir.of(results, arm.job)
            folder.write(arm.config)
            attempt = folder.claim()
            assert attempt is not None
            groups = {"all": 0.0} | {f"activity:{one.name}": index for index, one in enumerate(COLUMNS, start=1)}
            rows = [
                {"job": arm.job, "protocol": PROTOCOL, "metric": "PCKh", "group": group, "n": 9}
                | {"value": scores[arm.name] + extra}
                for group, extra in groups.items()
            ]
            run = {"job": arm.job, "state": "done", "config": arm.config.model_dump_json(), "finished": "2026-01-02"}
            run["provenance"] = json.dumps({"commit": "c0ffee" * 7, "dirty": True, "device": "a made-up device"})
            records.write(attempt.table("runs"), "runs", [run])
            records.write(attempt.table("scores"), "scores", rows)
            records.write(attempt.table("people"), "people", [])
            attempt.end("done")
            attempt.publish({}, 1.0)
            found[arm.name] = arm.job
    return found


@pytest.fixture
def results(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(root)
    monkeypatch.delenv("BENCHBOX_DATA", raising=False)
    make(tmp_path / "results", root, SCORES)
    return tmp_path / "results"


def shown(results: Path, format: str, capsys: pytest.CaptureFixture[str], *, strict: bool = False) -> str:
    what = tables.Shown(None, [], False, [])
    assert tables.table(None, "mrn-attention", "tiny", strict, what, results, format) == 0
    return capsys.readouterr().out


def test_the_papers_tables_hold_what_the_jobs_scored(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = json.loads(shown(results, "json", capsys, strict=True))["tables"]
    measured = {row["arm"]: row["cells"]["accuracy"]["measured"] for row in one["rows"] if row["arm"]}
    assert measured == SCORES
    assert {row["cells"]["accuracy"]["why"] for row in one["rows"] if row["arm"]} == {"scale tiny"}
    globally = next(row for row in two["rows"] if row["arm"] == "global (Fig. 4)")
    assert [round(cell["measured"] - 45.26) for cell in globally["cells"].values()] == list(range(1, 10))
    assert [cell["reported"] for cell in globally["cells"].values()][-3:] == ["82.38", "62.46", "80.18"]


def test_the_best_is_bold_among_what_was_measured(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(results, "md", capsys)
    assert re.search(r"^\| Ours - Fig. 4 \| 86.7[^|]* \| \*\*45.3\*\* \| done \|$", text, re.MULTILINE)
    assert re.search(r"^\| Ours - Fig. 6 \| 84.1[^|]* \| <u>42.0</u> \| done \|$", text, re.MULTILINE)
    assert re.search(r"^\| \\\[20\\\] \| \*\*92.0\*\* \| not run here \| not run here \|$", text, re.MULTILINE)
    # Nine score columns stand as they are printed, the measured numbers below.
    assert "| Fig. 4 | reported | 83.86 |" in text.replace("<u>", "").replace("</u>", "").replace("**", "")
    assert "|  | measured | **46.26** |" in text


def test_strict_asks_for_every_cell(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    scores = dict(list(SCORES.items())[:3])
    make(tmp_path, root, scores)
    what = tables.Shown(None, [], False, [])
    assert tables.table(None, "mrn-attention", "tiny", True, what, tmp_path, "csv") == 3
    assert tables.table(None, "mrn-attention", "tiny", False, what, tmp_path, "csv") == 0


@pytest.fixture
def manuscript(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "paper.tex"
    file.write_text(f"\\section{{Results}}\n{shown(results, 'latex', capsys)}\nAs we see.\n", encoding="utf-8")
    return file


def verified(file: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    code = verify.verify([file], results, "json")
    answer = json.loads(capsys.readouterr().out)
    assert readme.undocumented(answer) == set()
    return code, answer


def test_a_manuscript_of_todays_numbers_is_right(
    manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = verified(manuscript, results, capsys)
    assert (code, answer["rows"], answer["unknown"], answer["tables"]) == (0, [], [], 2)
    assert (answer["equal"], answer["notes"], answer["notes_gone"]) == (13 * 4 + (1 + 4 * 2) * 12, 6 + 8, 0)
    # Set by hand: rows in another order or left out, spaces, what is bold.
    lines = manuscript.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if '"fig-3"' in line)
    lines[place], lines[place + 1] = (
        lines[place + 1].replace(" & ", "   &  "),
        lines[place].replace("40.0", r"\textbf{40.0}"),
    )
    del lines[place - 1]
    manuscript.write_text("\n".join(lines), encoding="utf-8")
    assert verified(manuscript, results, capsys)[0] == 0


def test_a_cell_with_a_rank_and_a_mark_is_as_it_was(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what = tables.Shown(None, [], False, [])
    assert tables.table(None, "acnn", "tiny", False, what, results, "latex") == 0
    file = tmp_path / "paper.tex"
    file.write_text(text := capsys.readouterr().out, encoding="utf-8")
    assert r"\underline{98.2}\textsuperscript{2}" in text
    assert verified(file, results, capsys)[1]["rows"] == []


def test_a_number_that_no_longer_matches_is_found_with_its_line(
    manuscript: Path, tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    make(other, root, SCORES | {"global (Fig. 4)": 45.36})
    code, answer = verified(manuscript, other, capsys)
    assert code == 1
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert [row["row"] for row in rows] == ["fig-4"] + ["fig-4 measured"] * 9
    assert {row["why"] for row in rows} == {"results changed"}
    line = manuscript.read_text(encoding="utf-8").splitlines()[rows[0]["line"] - 1]
    assert line.startswith("Ours - Fig. 4")
    assert (rows[0]["column"], rows[0]["was"], rows[0]["now"]) == ("accuracy measured", "45.3", "45.4")
    assert (rows[1]["column"], rows[1]["was"], rows[1]["now"]) == ("standing", "46.26", "46.36")


def test_a_number_changed_by_hand_is_found(manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = manuscript.read_text(encoding="utf-8")
    manuscript.write_text(text.replace("& 83.2", "& 83.9", 1), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert code == 1
    assert [(row["was"][:4], row["now"][:4], row["why"]) for row in answer["rows"]] == [("83.9", "83.2", "edited")]  # type: ignore[attr-defined]
    verify.verify([manuscript], results, "rich")
    said = capsys.readouterr()
    assert "made from the same results, but 1 cell edited since" in said.err
    assert re.search(r"made from the same results$", said.err, re.MULTILINE)  # the other table


EDITS = [
    (" Standing & Walking ", " Walking & Standing ", [("headings", "standing"), ("headings", "walking")]),
    ("& Average accuracy measured", "& Error", [("headings", "accuracy measured")]),
    ("Measured: scale tiny", "Measured: scale paper", [("notes", "")]),
    ("Measured: scale tiny (pckh@0.5/hrnet-v1", "Measured: scale tiny (pckh@0.5/lsp", [("notes", "")]),
    (r"\textsuperscript{2} ``at par", r"\textsuperscript{1} ``at par", [("notes", "")]),
]


@pytest.mark.parametrize(("text", "edited", "cells"), EDITS)
def test_what_a_table_means_is_compared_too(
    text: str, edited: str, cells: object, manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = manuscript.read_text(encoding="utf-8")
    assert text in before
    manuscript.write_text(before.replace(text, edited, 1), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert (code, [(row["row"], row["column"]) for row in rows]) == (1, cells)
    assert {row["file"] for row in rows} == {str(manuscript)}
    assert {row["line"] for row in rows} == {before[: before.index(text)].count("\n") + 1}
    assert {row["why"] for row in rows} == {"edited"}


def test_a_studys_scale_is_compared_too(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "study.tex"
    what = tables.Shown(None, [], False, [])
    assert tables.table(Path("ablations/mrn_attention.toml"), None, "tiny", False, what, results, "latex") == 0
    file.write_text(capsys.readouterr().out.replace("Scale tiny.", "Scale paper."), encoding="utf-8")
    code, answer = verified(file, results, capsys)
    (row,) = answer["rows"]  # type: ignore[misc, attr-defined]
    assert (code, row["row"], row["was"], row["now"]) == (1, "notes", "Scale paper.", "Scale tiny.")


def test_notes_that_moved_and_those_of_the_author_are_no_fault(
    manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    text = manuscript.read_text(encoding="utf-8")
    own = re.sub(r"Measured: .*", r"We trained on one machine, for the reasons of Section 3.\\par", text)
    assert own != text
    for other, gone in ((own, 2), (re.sub(r"(?s)\\begin\{minipage\}.*?\\end\{minipage\}", "", text), 14)):
        manuscript.write_text(other, encoding="utf-8")
        assert verify.verify([manuscript], results, "rich") == 0
        assert f"Not compared: {gone} notes left out or moved away" in capsys.readouterr().out


def test_a_table_without_headings_is_not_judged_in_full(
    manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = manuscript.read_text(encoding="utf-8")
    manuscript.write_text(re.sub(r"(?m)^Method & .*$", "", text), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert (code, answer["unknown"]) == (3, [f"{manuscript}:3: no headings of 4 columns"])


def wrapped(text: str) -> str:
    """Break lines as formatters of LaTeX do: one cell a line, notes at 60 characters."""
    lines = []
    for line in text.splitlines():
        if line.endswith(r"\par"):
            lines += textwrap.wrap(line, 60, break_long_words=False, break_on_hyphens=False)
        elif " & " in line:
            lines += line.replace(" & ", "\n  & ").splitlines()
        else:
            lines.append(line)
    return "\n".join(lines)


def test_rows_and_notes_may_be_wrapped(manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = manuscript.read_text(encoding="utf-8")
    _, before = verified(manuscript, results, capsys)
    manuscript.write_text(wrapped(text), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert (code, answer) == (0, before)
    manuscript.write_text(wrapped(text.replace("& 83.2", "& 83.9").replace("scale tiny", "scale paper")))
    code, answer = verified(manuscript, results, capsys)
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert (code, [row["row"] for row in rows]) == (1, ["fig-3", "notes", "notes"])
    lines = manuscript.read_text(encoding="utf-8").splitlines()
    assert [lines[row["line"] - 1][:12] for row in rows] == ["Ours - Fig. ", "Measured: sc", "Measured: sc"]
    manuscript.write_text(wrapped(text.replace(' % row: "fig-4"', "")), encoding="utf-8")
    assert str(verified(manuscript, results, capsys)[1]["unknown"]).count("a row without its comment") == 1


@pytest.mark.parametrize(
    ("text", "set_by_hand", "code"),
    [
        ("& 83.2", "& $83.2$", 0),
        ("& 83.2", "& $83.3$", 1),
        (r"\textbf{92.0}", r"\textbf{$92.0$}", 0),
        ("& 40.0 ", r"& $\mathbf{40.0}$ ", 0),
        (r"\midrule", r"\hline", 0),
        ("Ours - Fig. 3 &", "\\rowcolor{gray!20}\nOurs - Fig. 3\n&", 0),
        (r"\toprule", "\\toprule\n & \\multicolumn{3}{c}{On MPII} \\\\ \\cmidrule(l){2-4}", 0),
    ],
)
def test_what_authors_set_by_hand(
    text: str, set_by_hand: str, code: int, manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = manuscript.read_text(encoding="utf-8")
    assert text in before
    manuscript.write_text(before.replace(text, set_by_hand, 1), encoding="utf-8")
    assert verified(manuscript, results, capsys)[0] == code


def test_files_that_a_manuscript_inputs_are_read_once(
    manuscript: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "parts").mkdir()
    first, second = manuscript.read_text(encoding="utf-8").split("% mrn-attention, Table 2")
    (tmp_path / "parts/one.tex").write_text("\n" + first.replace("& 83.2", "& 83.9"), encoding="utf-8")
    (tmp_path / "parts/two.tex").write_text(rf"\input{{main}} \input{{parts/one.tex}}%{second}", encoding="utf-8")
    main = tmp_path / "main.tex"
    # LaTeX looks from the main file's folder, puts .tex behind a name, and takes one without braces.
    lines = [r"\input{parts/one}", r"% \input{commented}", r"\include{parts/two} \input parts/one", r"\input{gone}"]
    main.write_text("\n".join(lines), encoding="utf-8")
    code, answer = verified(main, results, capsys)
    (row,) = answer["rows"]  # type: ignore[misc, attr-defined]
    assert (code, answer["tables"], answer["unknown"]) == (1, 2, [])
    assert row["file"] == str(tmp_path / "parts/one.tex")
    assert "83.9" in (tmp_path / "parts/one.tex").read_text().splitlines()[row["line"] - 1]
    assert answer["footnotes"][1:] == [f"{main}:4: gone: no such file in {tmp_path}, so not compared"]  # type: ignore[index]


def test_several_manuscripts_are_judged_together(
    manuscript: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, without = tmp_path / "other.tex", tmp_path / "without.tex"
    other.write_text(manuscript.read_text(encoding="utf-8").replace("& 83.2", "& 83.9"), encoding="utf-8")
    without.write_text("No table.", encoding="utf-8")
    assert verify.verify([manuscript, other, without, manuscript], results, "json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["tables"], [row["file"] for row in answer["rows"]]) == (4, [str(other)])
    assert answer["footnotes"][1:] == [f"{without}: no table of benchbox table --format latex"]


def test_what_a_manuscript_inputs_has_bounds(
    manuscript: Path, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = tmp_path / "main.tex"
    main.write_text(r"\input{pipe}", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.tex")
    with pytest.raises(InvalidInput, match=r"pipe\.tex: is a pipe"):
        verify.verify([main], results, "json")
    for depth in range(20):
        (tmp_path / f"{depth}.tex").write_text(rf"\input{{{depth + 1}}}", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"/16\.tex: more than .* 15 levels"):
        verify.verify([tmp_path / "0.tex"], results, "json")
    main.write_text(r"\input{paper}", encoding="utf-8")
    monkeypatch.setattr(manuscripts, "MAX_BYTES", manuscript.stat().st_size + 5)
    with pytest.raises(InvalidInput, match=r"paper\.tex: more than"):
        verify.verify([main], results, "json")


def test_a_manuscript_without_a_fault_gets_a_sentence_and_no_empty_table(
    manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    assert verify.verify([manuscript], results, "rich") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.strip() == f"{manuscript}: 2 tables"
    assert second.startswith("Nothing wrong: 1")


def test_what_cannot_be_judged_is_said(
    manuscript: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = verified(manuscript, tmp_path / "nothing", capsys)
    assert (code, answer["rows"]) == (3, [])
    assert any("fig-4: accuracy measured: was" in line and "is pending" in line for line in answer["unknown"])  # type: ignore[attr-defined]
    text = manuscript.read_text(encoding="utf-8")
    manuscript.write_text(text.replace(' % row: "fig-4"', ""), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert code == 3
    assert str(answer["unknown"]).endswith(": a row without its comment']")
    manuscript.write_text(text.replace("& pending", "").replace(" & done", "", 1), encoding="utf-8")
    assert verified(manuscript, results, capsys)[0] == 3
    manuscript.write_text(text.replace('"paper": "mrn-attention"', '"paper": "gone"'), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert code == 3
    assert "cannot be made again: --paper gone: unknown paper" in str(answer["unknown"])
    manuscript.write_text(text.replace('"paper": "mrn-attention"', '"study": "ablations/gone.toml"'), encoding="utf-8")
    _, answer = verified(manuscript, results, capsys)
    assert "call benchbox verify in the folder that ablations/gone.toml is relative to" in str(answer["unknown"])


def test_a_file_that_is_no_manuscript_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "paper.tex"
    with pytest.raises(InvalidInput, match="no such file"):
        verify.verify([file], tmp_path, "md")
    file.write_text("\\begin{tabular}{l} 1 \\\\ \\end{tabular}", encoding="utf-8")
    with pytest.raises(CannotJudge, match="no table of benchbox table --format latex, which says"):
        verify.verify([file], tmp_path, "md")
    capsys.readouterr()
    file.write_text(r"\input{gone}", encoding="utf-8")
    with pytest.raises(CannotJudge, match="no table of benchbox table"):
        verify.verify([file], tmp_path, "md")
    assert capsys.readouterr().err == f"{file}:1: gone: no such file in {tmp_path}, so not compared\n"
    for comment in ("{}", '{"origin": 1, "columns": [], "rows": ""}', "{[}"):
        file.write_text(f"% benchbox: {comment}\n", encoding="utf-8")
        with pytest.raises(InvalidInput, match=r"paper.tex:1: benchbox's comment is damaged"):
            verify.verify([file], tmp_path, "md")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"paper.tex: is not text \(UTF-8\), so no manuscript"):
        verify.verify([file], tmp_path, "md")


def test_a_studys_table_can_be_verified_too(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what = tables.Shown("activity", [], False, [])
    study = Path("ablations/mrn_attention.toml")
    assert tables.table(study, None, "tiny", False, what, results, "latex") == 0
    file = tmp_path / "study.tex"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert verified(file, results, capsys)[0] == 0
    file.write_text(file.read_text(encoding="utf-8").replace("46.3", "99.9"), encoding="utf-8")
    code, answer = verified(file, results, capsys)
    assert code == 1
    assert [(row["row"], row["was"], row["now"]) for row in answer["rows"]] == [("global (Fig. 4)", "99.9", "46.3")]  # type: ignore[attr-defined]


def test_a_table_that_lost_what_it_was_made_from_is_told(
    manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = manuscript.read_text(encoding="utf-8").splitlines()
    (first, *_) = [number for number, line in enumerate(lines) if line.startswith("% benchbox: ")]
    manuscript.write_text("\n".join(lines[:first] + lines[first + 1 :]), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert (code, answer["tables"]) == (3, 1)
    (stray,) = answer["unknown"]  # type: ignore[misc]
    assert stray.endswith("a table of ours without the comment that says what it was made from; make it again")


def test_notes_that_are_gone_are_quoted(manuscript: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = manuscript.read_text(encoding="utf-8")
    manuscript.write_text(text.replace("One seed: a difference may be noise.", "Many."), encoding="utf-8")
    code, answer = verified(manuscript, results, capsys)
    assert code == 0
    assert "Left out or moved away: One seed: a difference may be noise." in answer["footnotes"]  # type: ignore[operator]


def test_a_cell_is_explained_by_its_runs(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for table, paper in (("1", "mrn-attention"), ("ablations/mrn_attention.toml", None)):
        column = "accuracy" if paper else "PCKh"
        how = {"paper": paper, "scale": "tiny", "results": results, "format": "json"}
        assert explain.explain(table, "global (Fig. 4)", column, **how) == 0
        answer = json.loads(capsys.readouterr().out)
        (row,) = answer["rows"]
        assert (row["seed"], row["state"], row["value"], row["n"]) == (0, "done", 45.26, 9)
        assert (row["commit"], row["device"]) == ("c0ffeec0ffee, changed", "a made-up device")
        assert answer["protocol"] == PROTOCOL
        assert f"benchbox logs {row['job']} --results {results}" in answer["commands"]
        assert f"--scale tiny --only 'global (Fig. 4)' --results {results}" in answer["commands"][0]
        assert 'model.attention "none" -> "global"' in answer["facts"]["Differs"]
    facts = {"paper": "mrn-attention", "scale": "tiny", "results": results, "format": "json"}
    explain.explain("2", "fig-5", "Mountain biking", **facts)
    answer = json.loads(capsys.readouterr().out)
    assert answer["rows"][0]["value"] == 42.0
    assert answer["facts"]["Reported"] == "73.31"
    assert "154 of 210" in answer["facts"]["Erratum mountain-73.31"]
    explain.explain("1", "yang", "accuracy", **facts)
    answer = json.loads(capsys.readouterr().out)
    assert (answer["rows"], answer["commands"]) == ([], [])
    assert answer["facts"]["Cited"].startswith("[20] Yang et al. 2017")


def test_a_cell_of_other_seeds_is_explained_with_commands_for_them(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = {"paper": None, "scale": "tiny", "seeds": "0,7", "results": results, "format": "json"}
    explain.explain("ablations/mrn_attention.toml", "global (Fig. 4)", "PCKh", **how)
    answer = json.loads(capsys.readouterr().out)
    assert [(row["seed"], row["state"]) for row in answer["rows"]] == [(0, "done"), (7, "pending")]
    assert [("--seeds 0,7" in command) for command in answer["commands"]] == [True, True, False]


def test_a_group_is_that_of_the_table_unless_a_metric_is_named(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    how = {"paper": None, "scale": "tiny", "results": results, "format": "json"}

    def told(column: str) -> tuple[str, str, int]:
        explain.explain("ablations/mrn_attention.toml", "global (Fig. 4)", column, **how)
        answer = json.loads(capsys.readouterr().out)
        return answer["metric"], answer["group"], len(answer["rows"])

    group = "activity:Standing"
    assert told(group) == told(f"PCKh {group}") == ("PCKh", group, 1)
    with pytest.raises(InvalidInput, match="no such column"):
        told(f"AP {group}")


def test_a_cancelled_cell_says_what_takes_it_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (arm,) = [one for one in expand(read_study(Path("ablations/smoke.toml")), "tiny") if one.name == "baseline"]
    folder = JobDir.of(tmp_path, arm.job)
    folder.write(arm.config)
    folder.cancel()
    explain.explain("ablations/smoke.toml", "baseline", "AP", paper=None, scale="tiny", results=tmp_path, format="json")
    answer = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in answer["rows"]] == ["cancelled"]
    (command,) = answer["commands"]  # it has neither scores nor a log
    assert command.startswith("benchbox run ablations/smoke.toml ")
    assert command.endswith(" --retry cancelled")
    with pytest.raises(InvalidInput, match=r"cancelled before it began.*--retry cancelled"):
        watch.logs(arm.job, False, tmp_path)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (("3", "fig-3", "accuracy"), "no table 3; known: 1, 2"),
        (("1", "fig-33", "accuracy"), 'no row fig-33; did you mean "fig-3"?'),
        (("1", "fig-3", "acuracy"), 'no column acuracy; did you mean "accuracy"?'),
        (("1", "fig-3", "method"), "a label, not a number"),
    ],
)
def test_a_cell_that_is_not_there_is_answered_with_the_nearest(
    cell: tuple[str, str, str], message: str, results: Path
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        explain.explain(*cell, paper="mrn-attention", scale="tiny", results=results, format="md")
    study, arm = "ablations/mrn_attention.toml", next(iter(SCORES))
    with pytest.raises(InvalidInput, match='no such column; did you mean "PCKh"'):
        explain.explain(study, arm, "PCkh", paper=None, scale="tiny", results=results, format="md")


def test_claims_are_judged_by_differences(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def compared(pairs: list[tuple[list[str], list[str]]], how: object, folder: Path) -> list[object]:
        asked.extend(pairs)
        row = {"protocol": PROTOCOL, "metric": "PCKh", "group": "all", "difference": 2.0, "low": 1.0, "high": 3.0}
        return [claims_answer([row]) for _ in pairs]

    monkeypatch.setattr(claims, "compared", compared)
    assert claims.claims("mrn-attention", "tiny", False, results, "json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    ordering = rows[-1]
    assert ordering["check"].count(">") == 3
    assert ordering["reported"]["verdict"] == "holds"
    assert ordering["measured"] == {
        "values": "45.26 > 42.00 > 40.00 > 35.00",
        "verdict": "holds",
        "why": "at scale tiny",
    }
    assert {row["measured"]["verdict"] for row in rows} == {"cannot tell", "holds", "not measured"}
    assert len(asked) == len({json.dumps(pair) for pair in asked}) == 4
    assert claims.claims("mrn-attention", "tiny", True, results, "md") == 3  # a claim over a cited row


def claims_answer(rows: list[dict[str, object]]) -> object:
    return type("Answer", (), {"rows": rows, "problem": ""})()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["claims", "--paper", "mrn"], 2, "--paper mrn: unknown paper"),
        (["claims"], 2, "missing option"),
        (["explain", "--paper", "acnn", "1", "ours", "ankles"], 2, 'no column ankles; did you mean "ankle"?'),
        (["explain", "nowhere.toml", "a", "AP"], 2, "nowhere.toml: no such file"),
        (["verify", "nowhere.tex"], 2, "nowhere.tex: no such file"),
        (["table", "--paper", "acnn", "--table", "2"], 2, "acnn: no table 2; known: 1"),
        (["table", "--paper", "acnn", "--compare"], 3, "--compare: acnn, Table 1: needs results"),
        (["claims", "--paper", "acnn", "--strict", "--format", "md"], 3, ""),
    ],
)
def test_the_command_line_answers(
    words: list[str], code: int, said: str, benchbox: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = benchbox(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_verbs_of_papers_load_nothing_heavy_for_their_help() -> None:
    for verb in ("claims", "explain", "verify"):
        done = subprocess.run([sys.executable, "-m", "benchbox", verb, "--help"], capture_output=True, text=True)
        assert "Exit codes: 0" in done.stdout
        assert "Example: benchbox" in done.stdout
