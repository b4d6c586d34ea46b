"""A study's arms as figures show them, and what footnotes say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchbox import store
from benchbox.cli.arms import arm_rows
from benchbox.cli.study import Selection
from benchbox.plan import Arm
from benchbox.report.differences import SHOWN
from benchbox.report.frame import ArmRow, protocols
from benchbox.report.layout import ScoreColumn, chosen, heading, notes_on, score_columns

COSTS = {"parameters": "Parameters", "macs": "Multiply-adds"}
"""What accuracy is drawn over, with its name."""


@dataclass(frozen=True)
class Shown:
    """A study's arms as figures show them: the seeds that are done; others are named in the footnotes.

    Args:
        x: of `COSTS`.
        asked: protocols, all when empty.
    """

    selection: Selection
    x: str = "parameters"
    asked: Sequence[str] = ()
    _people: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def arms(self) -> list[Arm]:
        """The arms with a result of today's code and data, one for each seed."""
        return [arm for arm in self.selection.arms if self.states[arm.job] == "done"]

    @cached_property
    def states(self) -> dict[str, str]:
        """The states of all jobs."""
        jobs = dict.fromkeys(arm.job for arm in self.selection.arms)
        return {job: self.selection.folder(job).state().name for job in jobs}

    @cached_property
    def rows(self) -> list[ArmRow]:
        """The arms with their scores, each summed up over the seeds that are done."""
        return arm_rows(self.arms, self.selection.results)

    @cached_property
    def used(self) -> list[str]:
        """The protocols that are shown."""
        return chosen(protocols(self.rows), self.asked)

    @cached_property
    def columns(self) -> list[ScoreColumn]:
        """The whole-set scores that are shown, one of each protocol."""
        return [one for one in score_columns(self.rows, self.used, mixed=False) if one.metric in SHOWN]

    def people(self, job: str) -> Any:
        """Return the `people` rows of a job, read once."""
        if job not in self._people:
            self._people[job] = store.people(self.selection.results, job)
        return self._people[job]

    def label(self, column: ScoreColumn) -> str:
        """Return a score's name."""
        return heading(column.metric, column.protocols[0], self.used)

    def title(self, what: str) -> str:
        """Return a figure's title."""
        return f"{self.selection.study.title}: {what}"

    def notes(self, *more: str, seeds: bool = True) -> list[str]:
        """Return the footnotes of a figure: the scale, some of its own, seeds, and who is not in it."""
        said = notes_on(self.rows) if seeds else []
        return [f"Scale {self.selection.scale}.", *more, *said, *self.absences]

    @cached_property
    def absences(self) -> list[str]:
        """Who is left out or shown with fewer seeds, and why."""
        by_arm: dict[str, list[str]] = {}
        for arm in self.selection.arms:
            by_arm.setdefault(arm.name, []).append(self.states[arm.job])
        gone = [f"{name} ({', '.join(dict.fromkeys(found))})" for name, found in by_arm.items() if "done" not in found]
        some = {name: found for name, found in by_arm.items() if "done" in found and set(found) != {"done"}}
        notes = [f"{name}: {found.count('done')} of {len(found)} seeds." for name, found in some.items()]
        return [*notes, *([f"Left out: {'; '.join(gone)}."] if gone else [])]
