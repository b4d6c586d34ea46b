"""A job is a folder of files a person can open; this module owns every path in it and every change of its state.

results/jobs/<id>/job.json                 the job: its resolved values and their canonical form
results/jobs/<id>/attempts/<n>/claim.json  who works on attempt n
                               log.txt progress.json checkpoint.pt end.json
                               runs.parquet scores.parquet people.parquet
results/jobs/<id>/published.json           the attempt whose files are the result; written once
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchbox.config import JobConfig, canonical, job_id
from benchbox.digest import file_digest, source_digest
from benchbox.errors import InvalidInput
from benchbox.files import explained, read_json, write_json, write_temporary

SCHEMA = 1
HEARTBEAT_SECONDS = 120
REPEATED_CLASSES = ("infrastructure", "oom", "data")
"""Failures that `run` repeats by itself; others wait for a change of the source or for --retry."""
FAILURE_CLASSES = ("code", "data", "infrastructure", "nan", "oom", "time")


@dataclass(frozen=True)
class State:
    """What a job's folder says: pending, running, done, stale, failed or interrupted."""

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

    def table(self, name: str) -> Path:
        return self.path / f"{name}.parquet"

    def take_over(self) -> None:
        """Write this process into the claim; a worker does so first of all."""
        write_json(self.path / "claim.json", _identity())

    def alive(self) -> bool:
        """Tell whether the claim's process lives: exactly on this host, by heartbeat on another."""
        claim = read_json(self.path / "claim.json")
        if claim is None:
            return False
        if claim.get("host") == socket.gethostname():
            return claim.get("boot") == _boot_id() and claim.get("started") == _process_start(int(claim.get("pid", 0)))
        newest = max(file.stat().st_mtime for file in self.path.iterdir())
        return time.time() - newest < HEARTBEAT_SECONDS

    def end(self, state: str, *, failure: str = "", error: str = "", exit_code: int = 0) -> None:
        """Record how the attempt ended, unless it has ended already."""
        if not self.end_file.exists():
            record = {"schema": SCHEMA, "state": state, "class": failure, "error": error[:2000]}
            write_json(self.end_file, record | {"exit_code": exit_code, "source": source_digest()})

    def asked_parts(self) -> int:
        """Return how many parts a mini-batch needs at least, as `ask_parts` left it."""
        return int((read_json(self.path / "parts.json", {"parts"}) or {"parts": 1})["parts"])

    def ask_parts(self, parts: int) -> None:
        """Let the next start of the attempt's processes compute mini-batches in so many parts: memory was short."""
        write_json(self.path / "parts.json", {"schema": SCHEMA, "parts": parts})

    def publish(self, inputs: dict[str, str], seconds: float) -> bool:
        """Make this attempt the job's result; False when another attempt was first (its rows are the same).

        Args: inputs: digests of the data files read, by path below the data root. seconds: what the job took.
        """
        record = {"schema": SCHEMA, "attempt": self.number, "source": source_digest(), "inputs": inputs}
        record["seconds"] = round(seconds, 3)
        temporary = write_temporary(self.job.published, json.dumps(record, indent=1))
        try:
            standing = self.job.publication()
            if standing is not None and self.job.result() is not None and not self.job.stale(standing):
                return False
            if self.job.published.exists():
                os.replace(temporary, self.job.published)
            else:
                os.link(temporary, self.job.published)
            return True
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)


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

    @property
    def published(self) -> Path:
        return self.path / "published.json"

    @classmethod
    def of(cls, results: Path, job: str, data: Path | None = None) -> JobDir:
        return cls(results / "jobs" / job, data)

    def write(self, config: JobConfig) -> None:
        """Write job.json where it is missing."""
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
            raise InvalidInput(f"{self.path / 'job.json'}: missing or not of schema {SCHEMA}")
        config = JobConfig.model_validate(record["config"])
        if job_id(config) != self.id:
            raise InvalidInput(f"{self.path / 'job.json'}: describes job {job_id(config)}, its folder says {self.id}")
        return config

    def numbers(self) -> list[int]:
        """List the numbers of the attempts, ascending."""
        try:
            return sorted(int(entry) for entry in os.listdir(self.attempts) if entry.isdigit())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def publication(self) -> dict[str, Any] | None:
        """Read what published.json says, if it is whole."""
        return read_json(self.published, {"attempt", "source", "inputs", "seconds"})

    def result(self) -> Attempt | None:
        """Return the published attempt, if there is one whose files still stand."""
        record = self.publication()
        if record is None:
            return None
        attempt = Attempt(self, int(record["attempt"]))
        return attempt if attempt.table("scores").exists() else None

    def state(self) -> State:
        """Derive the job's state from its files."""
        record = self.publication()
        numbers = self.numbers()
        if record is not None and self.result() is not None:
            running = numbers[-1] > record["attempt"] and self._ended(numbers[-1]) is None
            if running and Attempt(self, numbers[-1]).alive():
                return State("running", numbers[-1])
            return State(
                "stale" if self.stale(record) else "done",
                record["attempt"],
                source=record["source"],
                seconds=record["seconds"],
            )
        if not numbers:
            return State("pending")
        end = self._ended(numbers[-1])
        if end is not None:
            keys = (end["class"], end["error"], end["exit_code"], end["source"])
            return State("interrupted" if end["state"] == "done" else end["state"], numbers[-1], *keys)
        return State("running" if Attempt(self, numbers[-1]).alive() else "interrupted", numbers[-1])

    def stale(self, record: dict[str, Any]) -> bool:
        """Tell whether the source, or a data file that is still there, is not what a published record was made from."""
        if record["source"] != source_digest():
            return True
        if self.data is None:
            return False
        files = ((self.data / name, digest) for name, digest in record["inputs"].items())
        return any(file.exists() and file_digest(file) != digest for file, digest in files)

    def claim(self) -> Attempt | None:
        """Open the next attempt for this process; None when another process works on the job or has done it.

        A folder with its claim inside appears by one rename, so that no two claims can share a number.
        """
        number = (self.numbers() or [0])[-1] + 1
        with explained(self.path):
            self.attempts.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".claim-", dir=self.attempts))
            try:
                write_json(draft / "claim.json", _identity())
                draft.chmod(0o755)
                if number > 1 and self.state().name in ("running", "done"):
                    return None
                os.rename(draft, self.attempts / str(number))
            except OSError as problem:
                if problem.errno in (errno.EEXIST, errno.ENOTEMPTY):
                    return None
                raise
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return Attempt(self, number)

    def _ended(self, number: int) -> dict[str, Any] | None:
        return read_json(self.attempts / str(number) / "end.json", {"state", "class", "error", "exit_code", "source"})


def _identity() -> dict[str, Any]:
    pid = os.getpid()
    return {
        "schema": SCHEMA,
        "host": socket.gethostname(),
        "boot": _boot_id(),
        "pid": pid,
        "started": _process_start(pid),
    }


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _process_start(pid: int) -> str | None:
    """Return a mark that a recycled process id does not share; None for a process that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
        return "alive"
    except OSError:
        return None
