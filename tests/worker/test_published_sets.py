"""Two published prediction sets for MPII, compared joint by joint."""

from __future__ import annotations

from pathlib import Path

from benchbox.worker.compare import Asked, Records, compare_pairs
from benchbox.worker.judge import judge
from benchbox.worker.others import Case, read_others

ALIKE = {"joint:upper_neck", "joint:head_top"}
"""The two sets score 97.71 and 97.68, 95.60 and 95.80: within what other persons would change."""


def test_the_stacked_hourglass_wins_every_joint_but_the_heads(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "eval_cases" / "mpii"
    sets = {"tompson": "tompson.h5", "hourglass": "bearpaw-hg_s2_b1.mat"}
    for name, file in sets.items():
        judge(
            read_others(Case(folder / file, "mpii:valid", folder / "valid.json", None, 1)),
            ["pckh@0.5/hrnet-v1"],
            name,
            tmp_path,
        )
    kept = Records(tmp_path, None, tmp_path)
    (found,) = compare_pairs(kept, [(["tompson"], ["hourglass"])], Asked(kinds=("all", "joint")))
    words = {row["group"]: row["word"] for row in found["rows"]}
    assert len(words) == 17
    assert {group for group, word in words.items() if word != "better"} == ALIKE
    assert {words[group] for group in ALIKE} == {"no difference seen"}
    (whole,) = (row for row in found["rows"] if row["group"] == "all")
    assert (whole["persons"], round(whole["a"], 2), round(whole["b"], 2)) == (2958, 82.34, 87.30)
    assert 4 < whole["low"] < whole["difference"] < whole["high"] < 6
    (back,) = compare_pairs(kept, [(["hourglass"], ["tompson"])], Asked(kinds=("all", "joint")))
    assert {row["group"] for row in back["rows"] if row["word"] == "worse"} == words.keys() - ALIKE
