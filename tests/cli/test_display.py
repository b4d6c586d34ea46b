"""What a terminal shows while jobs run."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from benchbox.cli.display import Display
from benchbox.jobdir import JobDir


def test_the_last_line_is_not_squeezed_into_the_column_of_names(tmp_path: Path) -> None:
    display = Display([], tmp_path, 2, moving=False)
    display.names["abc"] = "stage 1"
    display.active["abc"] = (JobDir(tmp_path / "jobs/abc"), 1)
    console = Console(width=40)
    with console.capture() as shown:
        console.print(display._grid())
    names, total = shown.get().splitlines()
    assert names.startswith("stage 1  ")
    assert total.startswith("0 of 2 jobs ended, ")
