"""The verb that runs a study: do what is missing, on this machine's devices."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchbox.cli import folders, schedule
from benchbox.cli.counts import count_networks
from benchbox.cli.display import Display, standing
from benchbox.cli.places import results_words
from benchbox.cli.study import Choice, Selection, estimates, headline, select, tell_samples, waits
from benchbox.config import schedule as schedule_of
from benchbox.console import ask, live, many, note
from benchbox.errors import ENVIRONMENT, FAILED, INTERRUPTED, OK, TERMINATED, InvalidInput, nearest
from benchbox.files import explained, read_json
from benchbox.jobdir import FAILURE_CLASSES, REPEATED_CLASSES, Attempt, JobDir
from benchbox.plan import Arm, jobs, names
from benchbox.queues import QUEUES
from benchbox.queues.cluster import CLUSTERS
from benchbox.queues.cluster import states as cluster_states
from benchbox.queues.pool import Need, Pool
from benchbox.queues.schedule import Outcome, drain
from benchbox.spec import MOST_PROCESSES

ASK_ABOVE_GPU_HOURS = 24
RETRIED = (*FAILURE_CLASSES, "cancelled")
"""What --retry takes."""


@dataclass(frozen=True)
class How:
    """How to run: executor, jobs at a time, processes a job (None: as the study says), what to repeat, options of a
    cluster."""

    on: str = "local"
    most: int | None = None
    processes: int | None = None
    retry: Sequence[str] = ()
    stale: bool = False
    fail_fast: bool = False
    yes: bool = False
    pack: bool = True
    cluster: Mapping[str, str] = field(default_factory=dict)


def cluster_options(typed: Sequence[str]) -> dict[str, str]:
    """Read options NAME=VALUE."""
    for text in typed:
        if not re.fullmatch(r"[a-z_]+=[^\s=]+", text):
            raise InvalidInput(f"--slurm {text}: must be NAME=VALUE, e.g. partition=gpu or time=240")
    return dict(text.split("=", 1) for text in typed)


def run(path: Path, choice: Choice, how: How) -> int:
    """Do what is missing and say what to do next; see the exit codes of the verb."""
    if how.on not in (*QUEUES, *CLUSTERS):
        raise InvalidInput(f"--on {how.on}: unknown executor{nearest(how.on, (*QUEUES, *CLUSTERS))}")
    for name in how.retry:
        if name not in RETRIED:
            raise InvalidInput(f"--retry {name}: unknown class of failure{nearest(name, RETRIED)}")
    chosen = select(path, choice)
    schedule.warn(path, chosen.arms)
    folders.require_data([arm.config for arm in chosen.arms], chosen.data)
    _check_writable(chosen.results)
    if how.stale:
        _withdraw_damaged(chosen)
    states, silent = cluster_states(chosen.folder(job) for job in jobs(chosen.arms))
    if silent:
        note(f"{silent}; its jobs count as their folders say")
    shares = _shares(chosen.arms, how)
    _check_shares(chosen.arms, shares)
    todo = [arm for job, arm in jobs(chosen.arms).items() if waits(states[job], how.retry, how.stale)]
    if how.on in CLUSTERS:
        todo = [arm for arm in todo if states[arm.job].name != "running"]
    counted = count_networks([arm.config for arm in chosen.arms])
    seconds = estimates(chosen, states, counted)
    pool = folders.pool(how.most, how.processes or 1) if how.on in QUEUES else None
    at_once = min(pool.most, max(1, len(todo))) if pool else max(1, len(todo))
    note(headline(chosen, states, seconds, [arm.job for arm in todo], at_once))
    tell_samples(chosen)
    if not how.yes and _too_long(chosen, choice, sum(seconds[arm.job] for arm in todo)):
        return INTERRUPTED
    waiting = [chosen.folder(arm.job) for arm in todo]
    for arm, folder in zip(todo, waiting, strict=True):
        folder.write(arm.config)
        folder.revive()
    words = {job: ["--processes", str(share), *_where(chosen, how.pack)] for job, share in shares.items()}
    if pool is None:
        return _submit(chosen, path, waiting, words, shares, how)
    outcome, received = _drain(chosen, waiting, partial(_command, words), shares, how, pool)
    return _close(chosen, path, choice, _again(path, choice, chosen, how), outcome, received)


def _withdraw_damaged(chosen: Selection) -> None:
    """Take back the results that cannot be read, so that they are made anew with what is stale."""
    from benchbox import store

    for job in jobs(chosen.arms):
        if chosen.folder(job).result() is not None:
            try:
                store.read(chosen.results, [job])
                store.people(chosen.results, job)
            except InvalidInput as problem:
                note(f"{str(problem).partition(';')[0]}; job {job} is made anew")
                chosen.folder(job).withdraw()


def _drain(
    chosen: Selection,
    waiting: Sequence[JobDir],
    command: Callable[[Attempt], list[str]],
    shares: Mapping[str, int],
    how: How,
    pool: Pool,
) -> tuple[Outcome, list[int]]:
    """Do jobs on this machine and stay until the last has ended; return how, and the signals that came."""
    stop, received = _catch_signals()
    queue = QUEUES[how.on](pool, command)
    configs = {arm.job: arm.config for arm in chosen.arms}
    with Display(chosen.arms, chosen.results, len(waiting), moving=live() and how.on == "local") as display:
        outcome = drain(
            waiting,
            queue,
            tell=display.tell,
            refresh=display.refresh,
            stop=stop,
            need=lambda job: Need(shares[job.id]),
            begin=lambda job: job.write(configs[job.id]),
            fail_fast=how.fail_fast,
        )
    return outcome, received


def _submit(
    chosen: Selection,
    path: Path,
    waiting: Sequence[JobDir],
    words: Mapping[str, Sequence[str]],
    shares: Mapping[str, int],
    how: How,
) -> int:
    """Hand jobs to a cluster, which does them without us: those of as many GPUs as one array."""
    for share in dict.fromkeys(shares[job.id] for job in waiting):
        alike = [job for job in waiting if shares[job.id] == share]
        on_gpus = folders.gpus() or (how.processes is None and share > 1)
        options = {"gpus_per_node": str(share)} if on_gpus else {}
        given = {**options, **how.cluster}
        ids = CLUSTERS[how.on].submit(alike, words[alike[0].id], (chosen.results / how.on).resolve(), given)
        for folder, name in zip(alike, ids, strict=True):
            folder.submit(how.on, name)
        note(f"{many(len(ids), 'job')} submitted, {ids[0]} to {ids[-1]}; they go on without this terminal")
    look = ["benchbox", "status", str(path), "--scale", chosen.scale, *results_words(chosen.results)]
    note("look: " + shlex.join(look))
    return OK


def _too_long(chosen: Selection, choice: Choice, seconds: float) -> bool:
    hours = seconds / 3600
    if chosen.scale != "paper" or choice.scale or hours <= ASK_ABOVE_GPU_HOURS or not sys.stdin.isatty():
        return False
    return not ask(f"Scale paper takes about {hours:,.0f} GPU-hours. Start it?")


def _check_writable(results: Path) -> None:
    with explained(results):
        (results / "jobs").mkdir(parents=True, exist_ok=True)
        probe = results / "jobs" / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(b"benchbox" * 512)
        finally:
            probe.unlink(missing_ok=True)


def _shares(arms: Sequence[Arm], how: How) -> dict[str, int]:
    """Return how many processes share each job: as asked, else as the study wishes, as far as there are GPUs."""
    if how.processes:
        return dict.fromkeys((arm.job for arm in arms), how.processes)
    most = MOST_PROCESSES if how.on in CLUSTERS else max(1, len(folders.gpus()))
    return {job: min(arm.processes, most) for job, arm in jobs(arms).items()}


def _check_shares(arms: Sequence[Arm], shares: Mapping[str, int]) -> None:
    for arm in arms:
        processes = shares[arm.job]
        batch = min((phase.batch or 0 for phase in schedule_of(arm.config)), default=2 * processes)
        if batch < 2 * processes:
            raise InvalidInput(f"--processes {processes}: {arm.name} has batches of {batch}, not two samples for each")


def _where(chosen: Selection, pack: bool) -> list[str]:
    """Return the worker's words for where data and caches lie."""
    words = ["--cache", str(folders.cache_root()), *(["--data", str(chosen.data)] if chosen.data else [])]
    return words + ([] if pack else ["--no-pack"])


def _command(words: Mapping[str, Sequence[str]], attempt: Attempt) -> list[str]:
    """Return the worker's command line for an attempt; `words` are its job's."""
    start = [sys.executable, "-m", "benchbox.worker", "run", str(attempt.job.path.resolve())]
    return [*start, "--attempt", str(attempt.number), *words[attempt.job.id]]


def _catch_signals() -> tuple[Callable[[], bool], list[int]]:
    received: list[int] = []

    def remember(number: int, frame: Any) -> None:
        received.append(number)
        if len(received) == 1:
            note("stopping: the running jobs save their state")

    signal.signal(signal.SIGINT, remember)
    signal.signal(signal.SIGTERM, remember)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: it goes on without the terminal
        signal.signal(signal.SIGHUP, remember)
    return lambda: bool(received), received


def _again(path: Path, choice: Choice, chosen: Selection, how: How) -> str:
    """Return the command that goes on with the same jobs in the same way."""
    words = ["benchbox", "run", str(path), "--scale", chosen.scale]
    words += ["--seeds", choice.seeds] if choice.seeds else []
    words += [word for part in choice.only or () for word in ("--only", part)]
    words += ["-j", str(how.most)] if how.most else []
    words += ["--on", how.on] if how.on != "local" else []
    words += ["--processes", str(how.processes)] if how.processes else []
    words += ["--stale"] if how.stale else []
    words += [] if how.pack else ["--no-pack"]
    words += results_words(chosen.results)
    return shlex.join(words)


def _close(chosen: Selection, path: Path, choice: Choice, again: str, outcome: Outcome, received: list[int]) -> int:
    states = {job: chosen.folder(job).state() for job in jobs(chosen.arms)}
    hidden = {job: state for job, state in outcome.states.items() if state.name in ("failed", "interrupted")}
    states |= {job: state for job, state in hidden.items() if states[job].name == "stale"}
    called = names(chosen.arms)
    failed = {job: state for job, state in states.items() if state.name == "failed"}
    done = sum(state.name in ("done", "stale") for state in states.values())
    for job, state in failed.items():
        log = Attempt(chosen.folder(job), state.attempt).log
        note(f"failed: {called[job]} [{state.failure}]: {state.error}\n  log: {log}  (benchbox logs {job})")
    given_up = sum(state.name == "cancelled" for state in states.values())
    if outcome.stopped:
        for job, state in states.items():
            if state.name == "interrupted":
                record = read_json(Attempt(chosen.folder(job), state.attempt).progress) or {}
                note(f"saved    {job}  {called[job]}  {standing(record)}")
        note(f"stopped with {done} of {many(len(states), 'job')} done; go on with: {again}")
        return INTERRUPTED if received[:1] == [signal.SIGINT] else TERMINATED
    counts = [f"{done} of {many(len(states), 'job')} done", f"{len(failed)} failed", f"{given_up} cancelled"]
    note(", ".join(count for count, some in zip(counts, (True, failed, given_up), strict=True) if some))
    if given_up:
        note(f"take up what was cancelled: {again} --retry cancelled")
    if not failed and done + given_up < len(states):
        note(f"some are not done; go on with: {again}")
        return FAILED
    if failed:
        classes = sorted({state.failure for state in failed.values()} - set(REPEATED_CLASSES))
        note("again, when mended: " + again + "".join(f" --retry {name}" for name in classes))
        return ENVIRONMENT if all(state.exit_code == ENVIRONMENT for state in failed.values()) else FAILED
    stale = sum(state.name == "stale" for state in states.values())
    if stale:
        more = "" if "--stale" in again.split() else " --stale"
        note(f"{many(stale, 'result')} stale, made by other code or data; to make anew: {again}{more}")
    words = ["benchbox", "table", str(path), "--scale", chosen.scale]
    words += ["--seeds", choice.seeds] if choice.seeds else []
    note("next: " + shlex.join(words + results_words(chosen.results)))
    return FAILED if given_up else OK
