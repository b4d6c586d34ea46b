"""Jobs that a cluster has: what it says of them, beside what their folders say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from benchbox.errors import EnvironmentProblem
from benchbox.jobdir import Attempt, JobDir, State
from benchbox.queues import slurm
from benchbox.queues.node import Told

CLUSTERS = {"slurm": slurm}
"""Executors whose jobs outlive the command line: modules with submit, poll and cancel."""
SETTLED = ("done", "stale")


def states(jobs: Iterable[JobDir]) -> tuple[dict[str, State], str]:
    """Return the state of every job by id, and one line where a cluster did not answer.

    A bad end that only the cluster knows of (no memory, no time, a dead node) is recorded with the attempt.
    """
    found, asked, silent = {}, dict[str, dict[str, JobDir]](), ""
    for job in jobs:
        found[job.id] = job.state()
        record = job.submitted() if found[job.id].name not in SETTLED else None
        if record is not None and record["executor"] in CLUSTERS:
            asked.setdefault(record["executor"], {})[record["id"]] = job
    for name, theirs in asked.items():
        try:
            told = CLUSTERS[name].poll(theirs)
        except EnvironmentProblem as problem:
            silent = str(problem)
            continue
        for one, job in theirs.items():
            found[job.id] = _joined(job, found[job.id], one, told[one])
    return found, silent


def cancel(jobs: Iterable[JobDir]) -> None:
    """Cancel what clusters have of some jobs.

    Raises: EnvironmentProblem where a cluster does not answer.
    """
    ids: dict[str, list[str]] = {}
    for job in jobs:
        record = job.submitted()
        if record is not None and record["executor"] in CLUSTERS:
            ids.setdefault(record["executor"], []).append(record["id"])
    for name, theirs in ids.items():
        CLUSTERS[name].cancel(theirs)


def _joined(job: JobDir, state: State, one: str, told: Told) -> State:
    """Join what a job's folder says with what its executor says of it."""
    begun = state.attempt > int((job.submitted() or {"after": 0})["after"])
    if told.kind == "waiting":
        return State("queued", state.attempt)
    if told.failure and (state.name == "running" or not begun):
        error = f"job {one} was ended: {told.said}"
        if begun:
            Attempt(job, state.attempt).end("failed", failure=told.failure, error=error)
            return job.state()
        return State("failed", state.attempt, told.failure, error)
    if told.kind == "running" and not begun:
        return State("queued", state.attempt, error="starts")
    if told.kind == "cancelled" and state.name == "running":
        Attempt(job, state.attempt).end("interrupted")
        return job.state()
    if told.kind == "lost" and state.name == "running":
        return replace(state, error=f"nobody knows of job {one}: {told.said}")
    return state
