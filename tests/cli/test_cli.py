"""The command line as a person meets it: what is said, on which stream, with which exit code."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchbox.cli.early_results import arms_named
from benchbox.cli.finished import next_step
from benchbox.jobdir import JobDir
from benchbox.plan import expand
from benchbox.spec import read_study

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stages(root: Path) -> str:
    return str(root / "ablations/hrnet_stages.toml")


@pytest.fixture
def smoke(root: Path) -> str:
    return str(root / "ablations/smoke.toml")


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("benchbox: error: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_plan_shows_nine_arms_and_eight_jobs_with_the_papers_counts(stages: str, benchbox: Call) -> None:
    done = benchbox("plan", stages, "--scale", "paper", "--json")
    assert done.returncode == 0, done.stderr
    assert "9 arms, 8 jobs, 8 to do" in done.stderr
    assert "coco: BENCHBOX_DATA is not set" in done.stderr
    assert "until then times are a guess, and run refuses" in done.stderr
    assert "times are those of this CPU" in done.stderr
    assert "times are" not in benchbox("plan", stages, "--scale", "tiny", "--json").stderr
    rows = json.loads(done.stdout)["rows"]
    assert [row["parameters"] for row in rows] == [
        28_536_113, 28_536_659, 28_538_459, 28_542_867, 28_551_351, 28_536_895, 28_539_881, 28_551_351, 28_537_259,
    ]  # fmt: skip
    assert rows[0]["macs"] == 7_645_003_776
    assert rows[4]["job"] == rows[7]["job"]
    assert rows[0]["difference"] == "reference"
    assert rows[1]["difference"] == "model.attend.sub_networks: [] -> [1]"
    assert "\x1b" not in done.stdout + done.stderr


def test_plan_uses_the_cache_of_counts(smoke: str, benchbox: Call, cache: Path) -> None:
    first = benchbox("plan", smoke, "--json")
    again = benchbox("plan", smoke, "--json", PYTHONPROFILEIMPORTTIME="1")
    assert json.loads(first.stdout)["rows"] == json.loads(again.stdout)["rows"]
    assert " torch" not in again.stderr


def test_the_first_line_says_which_scale_and_why(stages: str, benchbox: Call) -> None:
    done = benchbox("plan", stages)
    first = done.stderr.splitlines()[0]
    assert first.startswith(
        "hrnet_stages.toml at scale tiny (no CUDA device found; BENCHBOX_DATA is not set, so no COCO)"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "nowhere.toml"], 2, "nowhere.toml: no such file"),
        (["plan", "STAGES", "--scale", "tny"], 2, '--scale tny: unknown scale; did you mean "tiny"?'),
        (["plan", "STAGES", "--format", "yaml"], 2, "--format yaml: unknown"),
        (["plan", "STAGES", "--only", "baselin e"], 2, "no arm"),
        (["plan", "STAGES", "--seeds", "0,x"], 2, "--seeds 0,x: must be whole numbers"),
        (["run", "STAGES", "--on", "slrum"], 2, "--on slrum: unknown executor"),
        (["run", "STAGES", "--retry", "naan"], 2, '--retry naan: unknown class of failure; did you mean "nan"?'),
        (["run", "STAGES", "--scale", "mini"], 4, "coco: BENCHBOX_DATA is not set; point it at"),
        (["run", "STAGES", "--scale", "paper"], 4, "coco: BENCHBOX_DATA is not set; point it at"),
        (["logs", "3f2a"], 2, "job 3f2a: not in results"),
        (["table"], 2, "give either a study's file or --paper NAME (papers: acnn, efficient-hrnet,"),
        (["table", "--paper", "efficient-hrnt"], 2, 'unknown paper; did you mean "efficient-hrnet"?'),
        (["table", "--paper", "../../etc/passwd"], 2, "unknown paper"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], code: int, said: str, stages: str, benchbox: Call) -> None:
    done = benchbox(*(stages if word == "STAGES" else word for word in words))
    assert done.returncode == code, done.stderr
    assert said in one_line(done)
    assert not done.stdout


def test_data_that_is_not_where_it_should_be_is_named(stages: str, benchbox: Call, tmp_path: Path) -> None:
    done = benchbox("run", stages, "--scale", "mini", BENCHBOX_DATA=str(tmp_path))
    assert done.returncode == 4
    assert "person_keypoints_train2017.json: no such file" in one_line(done)


def test_a_results_folder_that_cannot_be_written_is_refused_at_once(smoke: str, benchbox: Call, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = benchbox("run", smoke, "--results", "taken/results")
    assert done.returncode == 4
    assert "cannot be written" in one_line(done)


@pytest.mark.skipif(os.name != "posix", reason="mounts a read-only tmpfs")
def test_a_read_only_results_folder_is_refused_at_once(smoke: str, benchbox: Call, tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs more rights than this user has")
    try:
        done = benchbox("run", smoke, "--results", "fixed/results")
        assert done.returncode == 4
        assert "read-only file system" in one_line(done)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


HOSTILE = ("\\u001b[31m\\u202ered", "=cmd()", "<b> $x_1 & | `y` \\\\input{z}")
INERT = {
    "rich": ["\ufffd[31m\ufffdred"],
    "csv": ["\ufffd[31m\ufffdred", "\n'=cmd(),"],
    "md": ["&lt;b&gt; $x\\_1 & \\| \\`y\\` \\\\input{z}"],
    "latex": [r"\textless{}b\textgreater{} \$x\_1 \& \textbar{} \textasciigrave{}y\textasciigrave{} \textbackslash{}"],
    "json": [],
}


def test_hostile_names_come_out_inert(benchbox: Call, tmp_path: Path, smoke: str) -> None:
    text = Path(smoke).read_text()
    for place, name in enumerate(HOSTILE, 2):
        text += f'\n[[variants]]\nname = "{name}"\nmodel.attend.sub_networks = [{place}]\n'
    (tmp_path / "hostile.toml").write_text(text)
    for format, wanted in INERT.items():
        done = benchbox("plan", "hostile.toml", "--format", format)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        for one in wanted:
            assert one in done.stdout


def test_status_and_logs_of_results(smoke: str, smoke_results: Path, benchbox: Call) -> None:
    done = benchbox("status", smoke, "--json", "--results", str(smoke_results))
    record = json.loads(done.stdout)
    assert record["counts"] == {"done": 2}
    assert (record["schema"], record["kind"], record["scale"]) == (1, "status", "tiny")
    everything = json.loads(benchbox("status", "--json", "--results", str(smoke_results)).stdout)
    assert [row["job"] for row in everything["rows"]] == sorted(row["job"] for row in record["rows"])
    logs = benchbox("logs", record["rows"][0]["job"][:6], "--results", str(smoke_results))
    assert "done: AP" in logs.stdout


def test_seeds_other_than_the_studys_are_shown_when_asked_for(smoke: str, smoke_results: Path, benchbox: Call) -> None:
    where = ("--seeds", "0,7", "--results", str(smoke_results))
    rows = json.loads(benchbox("table", smoke, "--json", *where).stdout)["rows"]
    assert [len(row["jobs"]) for row in rows] == [2, 2]
    assert {row["state"] for row in rows} == {"pending"}
    shown = benchbox("status", smoke, "--json", *where)
    assert json.loads(shown.stdout)["counts"] == {"done": 2, "pending": 2}
    assert "at scale tiny" in shown.stderr
    sides = [f"{smoke}:{name}" for name in ("baseline", "sub-network 1")]
    assert "1 of 2 seeds are done" in benchbox("compare", *sides, *where).stderr
    assert "--seeds and --with go with a study's file" in benchbox("table", "--paper", "acnn", "--seeds", "1").stderr


def test_a_table_without_results_stands_pending(stages: str, benchbox: Call, root: Path, tmp_path: Path) -> None:
    (tmp_path / "ablations").symlink_to(root / "ablations")
    done = benchbox("table", "--paper", "efficient-hrnet", "--table", "I", "--json")
    assert done.returncode == 0
    (table,) = json.loads(done.stdout)["tables"]
    assert {row["state"] for row in table["rows"]} == {"pending"}
    assert done.stderr.splitlines()[-1] == "next: benchbox run ablations/hrnet_stages.toml"
    again = benchbox("table", "--paper", "efficient-hrnet", "--table", "I", "--json")
    assert again.stderr == "next: benchbox run ablations/hrnet_stages.toml\n"
    assert [row["cells"]["AP"]["reported"] for row in table["rows"]][-1] == "75.7"
    assert benchbox("table", "--paper", "efficient-hrnet", "--table", "I", "--strict").returncode == 3
    assert benchbox("table", stages, "--strict").returncode == 3
    whole = benchbox("table", "--paper", "efficient-hrnet", "--scale", "mini").stderr.splitlines()
    counting, steps = ([line for line in whole if line.startswith(word)] for word in ("counting ", "next: "))
    assert len(counting) + len(steps) == len(whole)
    assert steps
    assert all(line.endswith(" --scale mini") for line in steps)
    again = benchbox("table", "--paper", "efficient-hrnet", "--scale", "mini").stderr.splitlines()
    assert again == steps
    asked = ("--scale", "tiny", "--seeds", "0,1", "--results", "else where")
    for verb in ("table", "status"):
        shown = benchbox(verb, stages, *asked)
        step = "--scale tiny --seeds 0,1 --results 'else where'"
        assert shown.stderr.splitlines()[-1] == f"next: benchbox run {stages} {step}"
        command = shlex.split(shown.stderr.splitlines()[-1])[2:]
        assert benchbox("plan", *command[1:]).returncode == 0  # it names what is there
        assert benchbox(verb, stages).stderr.splitlines()[-1] == f"next: benchbox run {stages}"


@pytest.mark.parametrize(
    ("states", "step"),
    [
        (["done", "stale"], None),
        (["failed", "done"], None),
        (["pending", "running"], None),
        (["pending", "queued"], None),
        (["pending", "done"], "benchbox run a.toml"),
        (["interrupted"], "benchbox run a.toml"),
        (["cancelled", "pending"], "benchbox run a.toml --retry cancelled"),
    ],
)
def test_what_waits_has_a_next_step(states: list[str], step: str | None) -> None:
    assert next_step(Path("a.toml"), states, scale=None, results=Path("results")) == step


def test_the_json_of_tables_is_frozen(
    smoke: str, smoke_results: Path, benchbox: Call, root: Path, tmp_path: Path
) -> None:
    table = json.loads(benchbox("table", smoke, "--json", "--results", str(smoke_results)).stdout)
    assert table.keys() == {"schema", "kind", "scale", "protocols", "title", "rows", "footnotes"}
    assert (table["schema"], table["kind"], table["scale"]) == (1, "study-table", "tiny")
    assert table["rows"][0].keys() == {"arm", "reference", "jobs", "state", "costs", "cells"}
    assert table["rows"][0]["costs"].keys() == {"parameters", "macs"}
    cell = table["rows"][0]["cells"]["AP coco-kp/gt-boxes/flip"]
    assert cell.keys() == {"metric", "protocol", "measured", "deviation", "n"}
    assert (cell["deviation"], cell["n"]) == (None, 1)
    (tmp_path / "ablations").symlink_to(root / "ablations")
    named = json.loads(benchbox("table", "--paper", "efficient-hrnet", "--table", "I", "--json").stdout)
    (paper,) = named["tables"]
    assert paper.keys() == {"schema", "kind", "paper", "table", "scale", "protocols", "title", "rows", "footnotes"}
    assert paper["rows"][1].keys() == {"labels", "arm", "errata", "reference", "jobs", "state", "key", "cells"}
    judged = {"reported", "verdict", "why"}
    assert paper["rows"][1]["cells"]["parameters"].keys() == {"counted", "metric", "counted_here"} | judged
    assert paper["rows"][1]["cells"]["AP"].keys() == cell.keys() | judged
    both = json.loads(benchbox("table", "--paper", "efficient-hrnet", "--json").stdout)
    assert both.keys() == named.keys() == {"schema", "kind", "paper", "tables"}
    assert len(both["tables"]) > 1
    assert both["tables"][0] == paper


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (["stage 1"], ["stage 1"]),
        (["Stage 1+2"], ["stage 1+2"]),
        (["stage"], ["stage 1", "stage 1+2"]),
        (["base", "stage 1"], ["baseline", "stage 1"]),
    ],
)
def test_a_whole_name_means_its_arm_alone(parts: list[str], found: list[str]) -> None:
    assert arms_named(["baseline", "stage 1", "stage 1+2"], parts) == found


def test_failed_jobs_that_run_leaves_alone_are_not_to_do_and_say_where_to_look(
    smoke: str, benchbox: Call, tmp_path: Path
) -> None:
    for arm in expand(read_study(Path(smoke)), "tiny"):
        folder = JobDir.of(tmp_path, arm.job)
        folder.write(arm.config)
        attempt = folder.claim()
        assert attempt is not None
        attempt.end("failed", failure="code", error="ZeroDivisionError", exit_code=1)
    where = ("--scale", "tiny", "--results", str(tmp_path))
    assert "2 arms, 2 jobs, 2 failed, nothing to do" in benchbox("plan", smoke, *where).stderr
    said = benchbox("table", smoke, *where).stderr
    assert said.strip() == f"see why some failed: benchbox status {smoke} --scale tiny --results {tmp_path}"
    assert "see why: benchbox logs" in benchbox(*shlex.split(said)[5:]).stderr


def test_a_table_by_joint_of_nothing_says_what_fills_it(smoke: str, benchbox: Call, tmp_path: Path) -> None:
    done = benchbox("table", smoke, "--by", "joint", "--scale", "tiny", "--results", str(tmp_path))
    assert done.returncode == 3
    step = f"benchbox run {smoke} --scale tiny --results {tmp_path}"
    assert done.stderr == f"benchbox: error: {smoke}: nothing of it is done at scale tiny; {step}\n"
