"""A job is a folder of files a person can open; this module owns every path in it and every change of its state.

results/jobs/<id>/job.json                 the job: its resolved values and their canonical form
results/jobs/<id>/cancelled.json           the last attempt that was not wanted any more
results/jobs/<id>/submitted.json           the cluster's job that stands for this one
results/jobs/<id>/attempts/<n>/claim.json  who works on attempt n
                               heartbeat   changes while its process lives
                               log.txt progress.json checkpoint.pt end.json
                               runs.parquet scores.parquet people.parquet
                               weights.safetensors  those that made the predictions
                               published.json  these tables are a result; written last

The result is that of the last attempt that published: an orphan of an earlier one may still write into its own folder,
and nobody will look.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchbox import lease
from benchbox.config import JobConfig, canonical, job_id
from benchbox.digest import file_digest, source_digest
from benchbox.errors import InvalidInput
from benchbox.files import NUMBER, explained, read_json, read_record, write_json

SCHEMA = 1
REPEATED_CLASSES = ("infrastructure", "oom", "data")
"""Failures that `run` repeats by itself; others wait for a change of the source or for --retry."""
PUBLISHED: dict[str, type | tuple[type, ...]] = {"attempt": int, "source": str, "inputs": dict, "seconds": NUMBER}
ENDED = {"state": str, "class": str, "error": str, "exit_code": int, "source": str}
NUMBERED = re.compile(r"[1-9][0-9]{0,8}")
FAILURE_CLASSES = ("code", "data", "infrastructure", "nan", "oom", "time")


@dataclass(frozen=True)
class State:
    """What a job's folder says: pending, running, done, stale, failed, interrupted, cancelled; of a cluster: queued."""

    name: str
    attempt: int = 0
    failure: str = ""
    error: str = ""
    exit_code: int = 0
    source: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """One numbered try at a job; it writes into its own folder only."""

    job: JobDir
    number: int

    @property
    def path(self) -> Path:
        return self.job.attempts / str(self.number)

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def progress(self) -> Path:
        return self.path / "progress.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def end_file(self) -> Path:
        return self.path / "end.json"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    def table(self, name: str) -> Path:
        return self.path / f"{name}.parquet"

    @property
    def heartbeat(self) -> Path:
        return self.path / "heartbeat"

    @property
    def published(self) -> Path:
        return self.path / "published.json"

    def take_over(self) -> None:
        """Write this process into the claim; a worker does so first of all."""
        write_json(self.path / "claim.json", {"schema": SCHEMA, **lease.identity()})

    def alive(self) -> bool:
        """Tell whether the attempt's process lives, or may live: another machine's is only known by watching it."""
        return lease.alive(self.claimed_by()) is not False

    def lapsed(self, watch: lease.Watch) -> bool:
        """Tell whether a process that cannot be seen from here has given no sign of life for a whole lease."""
        return lease.alive(self.claimed_by()) is None and watch.lapsed((self.job.path, self.number), self.heartbeat)

    def claimed_by(self) -> dict[str, Any]:
        """Read who works on the attempt; nobody can be alive by what is empty."""
        nobody = {"pid": 0, "started": "nobody"}
        return read_record(self.path / "claim.json", {"pid": int, "started": str}) or nobody

    def wanted(self) -> bool:
        """Tell whether the attempt has not been cancelled, and no later one was begun in its place."""
        return self.number > self.job.cancelled() and not (self.job.attempts / str(self.number + 1)).exists()

    def end(self, state: str, *, failure: str = "", error: str = "", exit_code: int = 0) -> None:
        """Record how the attempt ended, unless it has ended already."""
        if not self.end_file.exists():
            record = {"schema": SCHEMA, "state": state, "class": failure, "error": error[:2000]}
            write_json(self.end_file, record | {"exit_code": exit_code, "source": source_digest()})

    def asked_parts(self) -> int:
        """Return how many parts a mini-batch needs at least, as `ask_parts` left it."""
        return int((read_record(self.path / "parts.json", {"parts": int}) or {"parts": 1})["parts"])

    def ask_parts(self, parts: int) -> None:
        """Let the next start of the attempt's processes compute mini-batches in so many parts: memory was short."""
        write_json(self.path / "parts.json", {"schema": SCHEMA, "parts": parts})

    def publish(self, inputs: dict[str, str], seconds: float) -> None:
        """Make this attempt's tables a result, by one rename in its own folder.

        Args: inputs: digests of the data files read, by path below the data root. seconds: what the job took.
        """
        record = {"schema": SCHEMA, "attempt": self.number, "source": source_digest(), "inputs": inputs}
        write_json(self.published, record | {"seconds": round(seconds, 3)})


@dataclass(frozen=True)
class JobDir:
    """The folder of one job; `data` is where its data sets lie today (used only to tell stale results)."""

    path: Path
    data: Path | None = None

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def attempts(self) -> Path:
        return self.path / "attempts"

    @classmethod
    def of(cls, results: Path, job: str, data: Path | None = None) -> JobDir:
        return cls(results / "jobs" / job, data)

    def write(self, config: JobConfig) -> None:
        """Write job.json where it is missing.

        Raises: InvalidInput for a folder that is a link: results stay in their folder.
        """
        self.refuse_link()
        file = self.path / "job.json"
        if read_json(file) is None:
            with explained(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
            record = {"schema": SCHEMA, "id": self.id, "canonical": canonical(config)}
            write_json(file, record | {"config": config.model_dump(mode="json")})

    def read(self) -> JobConfig:
        """Read job.json back and check that it is the job its folder is named after."""
        record = read_json(self.path / "job.json")
        if record is None or record.get("schema") != SCHEMA:
            raise InvalidInput(f"{self.path / 'job.json'}: missing or not of schema {SCHEMA}; run its study again")
        try:
            config = JobConfig.model_validate(record.get("config"))
        except ValidationError as problem:
            (first, *_) = problem.errors()
            said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise InvalidInput(f"{self.path / 'job.json'}: describes no job: {said}; run its study again") from None
        if job_id(config) != self.id:
            raise InvalidInput(
                f"{self.path / 'job.json'}: describes job {job_id(config)}, not {self.id}; run its study again"
            )
        return config

    def numbers(self) -> list[int]:
        """List the numbers of the attempts, ascending; what lies behind a link is none of this job's."""
        try:
            if self.path.is_symlink() or self.attempts.is_symlink():
                return []
            with os.scandir(self.attempts) as entries:
                return sorted(int(one.name) for one in entries if NUMBERED.fullmatch(one.name) and not one.is_symlink())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def refuse_link(self) -> None:
        """Refuse a job that lies elsewhere.

        Raises: InvalidInput.
        """
        for folder in (self.path, self.attempts):
            if folder.is_symlink():
                raise InvalidInput(f"{folder}: is a link; a job stays in its results folder: remove the link")

    def publication(self) -> dict[str, Any] | None:
        """Read what the last attempt that published says of itself; None without a result whose files still stand."""
        return self._publication(self.numbers())

    def _publication(self, numbers: Sequence[int]) -> dict[str, Any] | None:
        for number in reversed(numbers):
            attempt = Attempt(self, number)
            record = read_record(attempt.published, PUBLISHED)
            if record is not None and attempt.table("scores").exists():
                return record
        return None

    def result(self) -> Attempt | None:
        """Return the published attempt, if there is one."""
        record = self.publication()
        return None if record is None else Attempt(self, int(record["attempt"]))

    def withdraw(self) -> None:
        """Take back the published attempt, whose files stay as they are, so that the job is to be done again."""
        attempt = self.result()
        if attempt is not None:
            with explained(attempt.published):
                os.replace(attempt.published, attempt.path / "withdrawn.json")

    def cancelled(self) -> int:
        """Return the number of the last attempt that was cancelled; 0 where none was begun; -1 without a cancel."""
        record = read_record(self.path / "cancelled.json", {"attempt": int})
        return -1 if record is None else int(record["attempt"])

    def cancel(self) -> None:
        """Want no attempt so far, nor a first one; a process that works on one will notice and stop."""
        with explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "cancelled.json", {"schema": SCHEMA, "attempt": (self.numbers() or [0])[-1]})

    def submitted(self) -> dict[str, Any] | None:
        """Read which cluster's job was submitted for this one: executor, its id, the last attempt of then."""
        return read_record(self.path / "submitted.json", {"executor": str, "id": str, "after": int})

    def submit(self, executor: str, name: str) -> None:
        """Record that a cluster has the job, under a name of its own."""
        record = {"schema": SCHEMA, "executor": executor, "id": name, "after": (self.numbers() or [0])[-1]}
        write_json(self.path / "submitted.json", record)

    def revive(self) -> None:
        """Want the job again."""
        with explained(self.path):
            (self.path / "cancelled.json").unlink(missing_ok=True)

    def state(self) -> State:
        """Derive the job's state from its files."""
        numbers = self.numbers()
        record = self._publication(numbers)
        last = Attempt(self, numbers[-1]) if numbers else None
        if last and (record is None or last.number > record["attempt"]) and self._ended(last) is None and last.alive():
            return State("running", last.number)
        if record is not None:
            name = "stale" if self.stale(record) else "done"
            return State(name, record["attempt"], source=record["source"], seconds=record["seconds"])
        if self.cancelled() >= (last.number if last else 0):
            return State("cancelled", last.number if last else 0)
        if last is None:
            return State("pending")
        end = self._ended(last)
        if end is None or end["state"] == "done":
            return State("interrupted", last.number)
        return State(end["state"], last.number, end["class"], end["error"], end["exit_code"], end["source"])

    def stale(self, record: dict[str, Any]) -> bool:
        """Tell whether the source, or a data file that is still there, is not what a published record was made from."""
        if record["source"] != source_digest():
            return True
        if self.data is None:
            return False
        files = ((self.data / name, digest) for name, digest in record["inputs"].items())
        return any(file.is_file() and file_digest(file) != digest for file, digest in files)

    def claim(self, *, lapsed: int = 0) -> Attempt | None:
        """Open the next attempt for this process; None when another one works on the job, or it is done or cancelled.

        A folder with its claim inside appears by one rename, so that no two claims can share a number.

        Args: lapsed: number of an attempt whose lease ran out; others count as running while they may live.
        """
        number = (self.numbers() or [0])[-1] + 1
        with explained(self.path):
            self.attempts.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".claim-", dir=self.attempts))
            try:
                write_json(draft / "claim.json", {"schema": SCHEMA, **lease.identity()})
                draft.chmod(0o755)
                state = self.state()
                if state.name in ("done", "cancelled") or (state.name == "running" and state.attempt != lapsed):
                    return None
                os.rename(draft, self.attempts / str(number))
            except OSError as problem:
                if problem.errno in (errno.EEXIST, errno.ENOTEMPTY):
                    return None
                raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return Attempt(self, number)

    def _ended(self, attempt: Attempt) -> dict[str, Any] | None:
        return read_record(attempt.end_file, ENDED)
