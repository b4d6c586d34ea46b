"""A made-up paper with results of every kind; `python -m tests.report.made_up` writes its tables to tests/golden."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchbox.cli.grid import FORMATS, emit_sheets
from benchbox.cli.tables import sheet
from benchbox.jobdir import State
from benchbox.papers.read import Paper, read_file
from benchbox.records import RUNS
from benchbox.report.cells import Answers, Filled, fill
from benchbox.report.frame import ArmJobs, rows
from benchbox.report.paper import paper_table
from benchbox.store import Store

GOLDEN = Path(__file__).parents[1] / "golden/tables"
ENDINGS = {"rich": "txt", "md": "md", "latex": "tex", "csv": "csv", "json": "json", "html": "html"}
PROTOCOL = "coco-kp/det-56.4/flip"
TOML = """\
name = "made-up"
title = "Made up"
references = { 7 = "Somebody 2020" }

[[tables]]
id = "1"
title = "One row of every kind"
study = "made-up"
split = "COCO val2017"
protocol = "coco-kp/det-56.4/flip"
about = "About"
columns = [
    { key = "method", heading = "Method" },
    { key = "parameters", heading = "#Param", metric = "parameters" },
    { key = "AP", heading = "AP", metric = "AP" },
    { key = "AR", heading = "Recall", metric = "AR" },
]
rows = [
    { key = "base", arm = "base", group = "a", printed = ["Base", "1.0M", "70.0", "75.0"] },
    { key = "noisy", arm = "noisy", group = "a", printed = ["Noisy", "1.1M", "71.0", "-"] },
    { key = "off", arm = "off", group = "a", printed = ["Off", "-", "71.0", "76.0"] },
    { key = "boxes", arm = "boxes", group = "b", printed = ["Other boxes", "1.0M", "72.5", "-"] },
    { key = "setting", arm = "setting", group = "b", not_comparable = "size: other", printed = ["", "-", "79.9", "-"] },
    { key = "cited", cited = 7, group = "b", printed = ["Cited [7]", "-", "63.1", "-"] },
    { key = "waits", arm = "waits", group = "c", printed = ["Waits", "-", "70.0", "-"] },
    { key = "broke", arm = "broke", group = "c", printed = ["Broke", "-", "70.0", "-"] },
    { key = "stale", arm = "stale", group = "c", printed = ["Stale", "-", "70.0", "-"] },
]

[[claims]]
key = "better"
place = "4"
quote = "Off is 1.0 better than Base."
checks = ["'1/off/AP' - '1/base/AP' == 1.0", "'1/noisy/AP' > '1/base/AP'"]

[[errata]]
key = "wrong"
text = "1.1M cannot be."
cells = ["1/noisy/parameters"]
claims = ["better"]
"""
STATES = {"waits": "pending", "broke": "failed", "stale": "stale"}
SCORES = {
    "base": {"AP": [70.04], "AR": [74.0]},
    "noisy": {"AP": [70.0, 71.4, 69.6], "AR": [75.0, 75.0, 75.0]},
    "off": {"AP": [70.94, 70.9], "AR": [76.04, 76.0]},
    "setting": {"AP": [72.0]},
    "stale": {"AP": [70.0]},
}
COUNTS = {"parameters": 1_040_000, "macs": 2, "field_gflops": 3.0}


def paper(folder: Path, names: Mapping[str, str] | None = None) -> Paper:
    """Read the paper; names exchange texts of the file for others."""
    text = TOML
    for old, new in (names or {}).items():
        assert f'"{old}"' in text
        text = re.sub(rf'(= |\[)"{re.escape(old)}"', lambda found, new=new: found[1] + spelt(new), text, count=1)
    file = folder / "made-up.toml"
    file.write_text(text, encoding="utf-8")
    return read_file(file)


def spelt(text: str) -> str:
    """Spell a string for TOML."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text) + '"'


def answers(made: Paper, scale: str = "paper", scores: Mapping[str, Mapping[str, Sequence[float]]] = SCORES) -> Answers:
    """Return what a made-up store says to the paper's rows."""
    table = made.tables[0]
    arms, states, found = [], {}, []
    for arm in dict.fromkeys(row.arm for row in table.rows if row.arm):
        metrics = scores.get(arm, {})
        jobs = tuple(f"{arm}-{seed}" for seed in range(max([1, *map(len, metrics.values())])))
        arms.append(ArmJobs(arm, arm == "base", jobs))
        states |= {job: State(STATES.get(arm, "done")) for job in jobs}
        found += [
            (jobs[seed], PROTOCOL, metric, value)
            for metric, values in metrics.items()
            for seed, value in enumerate(values)
        ]
    found.append(("boxes-0", "coco-kp/gt-boxes/flip", "AP", 72.5))
    frame = pd.DataFrame(found, columns=["job", "protocol", "metric", "value"]).assign(group="all", n=9)
    store = Store(states, RUNS.empty_table().to_pandas(), frame)
    counts = {arm.name: COUNTS for arm in arms}
    return Answers("made-up", scale, {row.arm.name: row for row in rows(arms, store)}, counts, counts)


def filled(
    folder: Path, names: Mapping[str, str] | None = None, *, scale: str = "paper", mixed: bool = False
) -> Filled:
    """Fill the paper's table."""
    made = paper(folder, names)
    return fill(made, made.tables[0], {"made-up": answers(made, scale)}, mixed=mixed)


def printed(one: Filled, format: str) -> str:
    """Return the table as a format prints it."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        emit_sheets(format, [sheet(paper_table(one, wide=format == "csv"), format)], {})
    return out.getvalue()


if __name__ == "__main__":
    import os
    import tempfile

    os.environ["COLUMNS"] = "160"
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            text = printed(filled(Path(folder)), format)
            (GOLDEN / f"made_up.{ENDINGS[format]}").write_text(text, encoding="utf-8")
