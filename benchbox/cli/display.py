"""What a run shows: a moving table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from benchbox.console import duration, note, plain
from benchbox.files import read_json
from benchbox.jobdir import Attempt, JobDir
from benchbox.plan import Arm, names
from benchbox.queues.schedule import Event

REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0


class Display:
    """Shows jobs with epoch, loss, score so far and time left; use as a context manager around a run."""

    def __init__(self, arms: Sequence[Arm], results: Path, todo: int, *, moving: bool) -> None:
        self.names = names(arms)
        self.results, self.todo, self.moving = results, todo, moving
        self.ended = 0
        self.active: dict[str, tuple[JobDir, int]] = {}
        self.began = time.monotonic()
        self.refreshed = self.lined = time.monotonic()
        self.live: Any = None

    def __enter__(self) -> Display:
        if self.moving and self.todo:
            from rich.console import Console
            from rich.live import Live

            self.live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.__exit__(kind, error, trace)

    def tell(self, event: Event) -> None:
        """Print a line for a job that starts, ends, is repeated or runs elsewhere."""
        name = self.names.get(event.job.id, event.job.id)
        if event.kind == "started":
            self.active[event.job.id] = (event.job, event.attempt)
            self._line(f"started  {event.job.id}  {name}  ({event.slot})")
        elif event.kind == "elsewhere":
            self._line(f"waiting  {event.job.id}  {name}  (another process runs it)")
        elif event.kind == "repeated" and event.state:
            self.active.pop(event.job.id, None)
            self._line(f"again    {event.job.id}  {name}  ({event.state.error or 'its folder was deleted'})")
        elif event.state:
            self.active.pop(event.job.id, None)
            self.ended += 1
            failed = event.state.name == "failed"
            record = read_json(Attempt(event.job, event.state.attempt).progress) or {}
            detail = f"[{event.state.failure}] {event.state.error}" if failed else _score(record)
            self._line(f"{event.state.name:8} {event.job.id}  {name}  {detail}  ({self.ended}/{self.todo})")

    def refresh(self) -> None:
        """Redraw the moving table, or print a line for every running job now and then."""
        now = time.monotonic()
        if self.live and now - self.refreshed >= REFRESH_SECONDS:
            self.refreshed = now
            self.live.update(self._grid(), refresh=True)
        elif not self.live and now - self.lined >= LINE_SECONDS:
            self.lined = now
            for job, _ in self.active.values():
                self._line(f"         {job.id}  {self.names[job.id]}  {'  '.join(self._cells(job)[1:])}")

    def _cells(self, job: JobDir) -> list[str]:
        record = read_json(Attempt(job, self.active[job.id][1]).progress) or {"phase": "starts"}
        if record["phase"] != "train":
            return [self.names[job.id], standing(record), "", "", ""]
        return [
            self.names[job.id],
            standing(record),
            f"loss {record['loss']:.5f}",
            _score(record),
            f"{record['rate']:.0f}/s, {duration(record['seconds_left'])} left",
        ]

    def _grid(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for job, _ in list(self.active.values()):
            grid.add_row(*(Text(plain(cell)) for cell in self._cells(job)))
        spent = duration(time.monotonic() - self.began)
        return Group(grid, Text(f"{self.ended} of {self.todo} jobs ended, {spent} so far", style="dim"))

    def _line(self, text: str) -> None:
        if self.live:
            from rich.text import Text

            self.live.console.print(Text(plain(text)))
        else:
            note(text.rstrip())


def standing(record: Mapping[str, Any]) -> str:
    """Say how far a job has come, from its progress.json: the epoch, or the phase with its share."""
    if record.get("phase") == "train":
        return f"epoch {record.get('epoch')}/{record.get('epochs')}"
    share = f" {record.get('done')}/{record['of']}" if "of" in record else ""
    return str(record.get("phase", "starts")) + share


def _score(record: dict[str, Any]) -> str:
    return " ".join(f"{metric} {value:.1f}" for metric, value in (record.get("score") or {}).items())
