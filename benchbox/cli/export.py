"""The verb that has the worker write a finished job's network as an ONNX file."""

from __future__ import annotations

from pathlib import Path

from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.grid import emit
from benchbox.cli.markup import Column
from benchbox.cli.predict import job_of
from benchbox.console import note
from benchbox.errors import FAILED, OK, InvalidInput


def export(
    run: str, out: Path | None, batch: int | None, dynamic: bool, *, scale: str | None, results: Path, format: str
) -> int:
    """Export, and print how far the file's output is from ours; 1 where that is too far, without a file."""
    if dynamic and batch is not None:
        raise InvalidInput(f"--batch {batch}: goes without --dynamic, which takes any number")
    if out is not None and (out.is_dir() or out.suffix.lower() != ".onnx"):
        raise InvalidInput(f"--out {out}: must name a file that ends in .onnx")
    job = job_of(run, scale, results)
    file = out or Path(f"{job}.onnx")
    data = folders.data_root()
    words = ["export", "--results", str(results), "--cache", str(folders.cache_root())]
    asked = {"job": job, "out": str(file), "batch": None if dynamic else batch or 1}
    found = ask([*words, *(["--data", str(data)] if data else [])], asked)
    if not found["written"]:
        note(
            f"{file}: not written: its output is {found['deviation']:.1e} of the largest value off ours, more than "
            f"{found['largest']:.0e}"
        )
        return FAILED
    row = {
        "file": str(file),
        "job": job,
        "input": _side(found["input"]),
        "output": _side(found["output"]),
        "bytes": found["bytes"],
        "deviation": found["deviation"],
        "crops": found["crops"],
    }
    columns = [
        Column("file", "File"),
        Column("job", "Job"),
        Column("input", "Input"),
        Column("output", "Output"),
        Column("bytes", "Bytes", right=True, show=lambda value: f"{value:,}"),
        Column("deviation", "Deviation", right=True, show=lambda value: f"{value:.1e}"),
    ]
    meta = {"schema": 1, "kind": "models-export", "facts": found["facts"]}
    where = f"on {found['crops']}, as a share of our largest value"
    footnotes = [f"Deviation: the largest of onnxruntime's output from ours {where}."]
    emit(format, f"Network of job {job}", columns, [row], meta, footnotes)
    return OK


def _side(side: tuple[str, list[int | str]]) -> str:
    name, shape = side
    return f"{name} {'x'.join(map(str, shape))}"
