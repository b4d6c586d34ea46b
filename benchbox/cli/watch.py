"""The verbs that watch: status and logs."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchbox.cli import early_results, folders
from benchbox.cli.display import standing
from benchbox.cli.finished import next_step, run_command
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.study import Choice, select
from benchbox.console import duration, note, plain
from benchbox.errors import OK, InvalidInput
from benchbox.files import listed, read_json
from benchbox.jobdir import Attempt, JobDir, State
from benchbox.plan import jobs, names
from benchbox.queues import cluster
from benchbox.queues.local import state_after

FOLLOW_SECONDS = 0.3
WATCH_SECONDS = 2.0
CANCELLED = {
    "running": "running: saving and stopping",
    "pending": "waiting: will not begin",
    "interrupted": "interrupted: will not go on",
    "failed": "failed: left as they are",
    "cancelled": "cancelled already",
    "done": "done: nothing to cancel",
    "stale": "done, by other code or data: nothing to cancel",
}
"""What becomes of a job that is cancelled, by its state."""


def watch(path: Path | None, scale: str | None, seeds: str | None, results: Path) -> int:
    """Show the states again and again until nothing runs or is queued any more."""
    from rich.console import Console

    if not sys.stdout.isatty():
        raise InvalidInput("--watch needs a terminal; without one, ask for --json now and then")
    console = Console()
    while True:
        with console.capture() as shown:
            console.clear()
        sys.stdout.write(shown.get())
        counts = status(path, scale, seeds, results, "rich")
        if not any(counts.get(name) for name in ("running", "queued")):
            return OK
        time.sleep(WATCH_SECONDS)


def status(path: Path | None, scale: str | None, seeds: str | None, results: Path, format: str) -> Mapping[str, int]:
    """Print the state of every job of a study, or of every job in the results folder; return counts by state."""
    data = folders.data_root()
    meta: dict[str, str | None] = {"study": None, "scale": None}
    if path is None:
        ids = [entry.name for entry in listed(results / "jobs", "[0-9a-f]*")]
        called, title = dict.fromkeys(ids, ""), f"All jobs in {results}"
    else:
        chosen = select(path, Choice(scale, seeds, None, results))
        called = names(chosen.arms)
        title = chosen.study.title
        meta = {"study": str(path), "scale": chosen.scale}
    found = [JobDir.of(results, job, data) for job in called]
    states, silent = cluster.states(found)
    rows = [_row(folder, called[folder.id], states[folder.id]) for folder in found]
    counts = {name: sum(row["state"] == name for row in rows) for name in sorted({row["state"] for row in rows})}
    columns = [Column("job", "Job"), Column("arm", "Arm"), Column("state", "State"), Column("detail", "")]
    columns = [column for column in columns if column.key != "arm" or path is not None]
    emit(format, title, columns, rows, {"schema": 1, "kind": "status", **meta, "counts": counts})
    where = f" at scale {meta['scale']}" if path else ""
    note((", ".join(f"{count} {name}" for name, count in counts.items()) or f"no jobs in {results}") + where)
    if silent:
        note(f"{silent}; its jobs are shown as their folders say")
    if not rows:
        note("benchbox run STUDY.toml makes them")
    if path and counts.get("stale"):
        anew = run_command(path, meta["scale"], seeds, results, "--stale")
        note(f"stale: made by other code or data than today's; {anew} makes it anew")
    failed = [row["job"] for row in rows if row["state"] == "failed"]
    if failed:
        note(f"see why: benchbox logs {failed[0]}")
    step = path and next_step(path, counts, scale=scale, results=results, seeds=seeds)
    if step:
        note(f"next: {step}")
    return counts


def logs(job: str, follow: bool, results: Path) -> int:
    """Print the last attempt's log; with `follow` go on until the job has ended."""
    folder = JobDir(find(job, results))
    numbers = folder.numbers()
    if not numbers and folder.state().name == "cancelled":
        raise InvalidInput(
            f"job {folder.id}: was cancelled before it began; benchbox run STUDY.toml --retry cancelled starts it"
        )
    if not numbers:
        raise InvalidInput(f"job {folder.id}: has not been started yet; benchbox run STUDY.toml starts it")
    log, read = Attempt(folder, numbers[-1]).log, 0
    if log.is_symlink():
        raise InvalidInput(f"{log}: is a link; a log stays in its folder: remove the link")
    while True:
        running = folder.state().name == "running"
        if log.is_file():
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(read)
                for line in file:
                    sys.stdout.write(plain(line.rstrip("\n")) + "\n")
                read = file.tell()
            sys.stdout.flush()
        if not follow or not running:
            return OK
        time.sleep(FOLLOW_SECONDS)


def cancel(what: Sequence[str], scale: str | None, only: Sequence[str] | None, results: Path) -> int:
    """Ask running jobs to stop and let waiting ones not begin, by id, study or arm (all its seeds)."""
    found: dict[str, JobDir] = {}
    for name in what:
        if name.endswith(".toml"):
            chosen = select(Path(name), Choice(scale, None, only, results))
            found |= {job: chosen.folder(job) for job in jobs(chosen.arms)}
        elif ".toml:" in name:
            file, _, arm = name.partition(".toml:")
            for job in early_results.jobs_of_arm(Path(f"{file}.toml"), arm, results, scale):
                found[job] = JobDir.of(results, job)
        else:
            folder = JobDir(find(name, results))
            found[folder.id] = folder
    counts, stopped = Counter[str](), list[JobDir]()
    for folder in found.values():
        state = folder.state().name
        counts[state] += 1
        if state in ("running", "pending", "interrupted"):
            folder.cancel()
            stopped.append(folder)
    cluster.cancel(stopped)
    for state, words in CANCELLED.items():
        if counts[state]:
            note(f"{counts[state]} {words}")
    return OK


def find(job: str, results: Path) -> Path:
    """Return the folder of the only job whose id begins so.

    Raises: InvalidInput with the nearest.
    """
    return results / "jobs" / early_results.job(job, results)


def _row(folder: JobDir, name: str, state: State) -> dict[str, Any]:
    return {
        "job": folder.id,
        "arm": name,
        "state": state.name,
        "attempt": state.attempt,
        "failure": state.failure or None,
        "error": state.error or None,
        "detail": _detail(folder, state),
    }


def _detail(folder: JobDir, state: State) -> str:
    if state.name == "failed":
        return f"[{state.failure}] {state.error}"
    if state.name == "stale":
        last = state_after(Attempt(folder, max(folder.numbers(), default=0)))
        if last.name == "failed":
            return f"making it anew failed: [{last.failure}] {last.error}"
    if state.name == "queued":
        record = folder.submitted() or {"id": ""}
        return f"{record['id']} {state.error}".strip()
    if state.name == "running" and not Attempt(folder, state.attempt).wanted():
        return "saves its state and stops"
    record = (read_json(Attempt(folder, state.attempt).progress) or {}) if state.attempt else {}
    try:
        return _progress(state, record)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return "its progress.json is damaged"


def _progress(state: State, record: Mapping[str, Any]) -> str:
    score = " ".join(f"{metric} {value:.1f}" for metric, value in (record.get("score") or {}).items())
    speed = ""
    if "data_wait" in record:
        speed = f"{record['rate']:.0f} persons/s ({100 * record['data_wait']:.0f} % waiting for data)"
    if state.name == "running" and record.get("phase") == "train":
        left = duration(record["seconds_left"])
        return f"{standing(record)}, {speed}, {left} left {score}"
    if state.name == "running":
        return standing(record)
    if state.name == "interrupted":
        return ", ".join(part for part in (f"at {standing(record)}", score) if part) if record else ""
    return ", ".join(part for part in (score, speed) if part)
