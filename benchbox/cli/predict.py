"""The verb that predicts people of any images with a finished job's network, and has the worker draw it."""

from __future__ import annotations

import glob
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchbox.cli import folders
from benchbox.cli.ask import ask
from benchbox.cli.finished import arm_side
from benchbox.cli.grid import FORMATS, emit
from benchbox.cli.markup import Column
from benchbox.cli.watch import find
from benchbox.console import many, note
from benchbox.errors import OK, CannotJudge, InvalidInput, nearest
from benchbox.image_header import header_size
from benchbox.jobdir import JobDir

KINDS = ("skeleton", "heatmaps", "attention")
MOST_BOXES = 50
"""What a picture with a block of rows for every person has room for."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for, as typed."""

    boxes: Sequence[str]
    kinds: Sequence[str]
    folder: Path
    svg: bool


def predict(images: Sequence[Path], run: str, wanted: Wanted, *, scale: str | None, results: Path, format: str) -> int:
    """Predict, draw, and print what was predicted."""
    if format not in FORMATS:
        raise InvalidInput(f"--format {format}: unknown{nearest(format, FORMATS)}")
    kinds = list(dict.fromkeys(wanted.kinds)) or ["skeleton"]
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidInput(f"--show {kind}: unknown{nearest(kind, KINDS)}")
    if len(wanted.boxes) > MOST_BOXES:
        raise InvalidInput(f"--box: {len(wanted.boxes)} of them; one call takes {MOST_BOXES} at most")
    if wanted.boxes and len(images) > 1:
        raise InvalidInput(f"--box: belongs to one image, and there are {len(images)}; call it once for each")
    boxes = [_box(text, images[0]) for text in wanted.boxes]
    job = job_of(run, scale, results)
    if "attention" in kinds and not JobDir.of(results, job).read().model.attends:
        raise InvalidInput(f"--show attention: the network of job {job} has none; known: skeleton, heatmaps")
    asked = {
        "job": job,
        "images": [str(image) for image in images],
        "boxes": boxes,
        "kinds": kinds,
        "folder": str(wanted.folder),
        "format": "svg" if wanted.svg else "png",
    }
    old = [
        file
        for image in images
        for file in wanted.folder.glob(f"{glob.escape(image.stem)}-*.{asked['format']}")
        if any(kind in file.stem[len(image.stem) :] for kind in kinds)
    ]
    if old:
        note(f"{many(len(old), 'picture')} of before in {wanted.folder} may be replaced; --out names another")
    answer = ask(["predict", "--results", str(results)], asked)
    rows = [row | {"confidence": mean(joint[2] for joint in row["keypoints"])} for row in answer["rows"]]
    columns = [
        Column("image", "Image"),
        Column("box", "Box", show=lambda box: ", ".join(f"{number:g}" for number in box)),
        Column("confidence", "Mean confidence", right=True, show=lambda value: f"{value:.3f}"),
        Column("files", "Pictures", show=lambda files: ", ".join(files.values())),
    ]
    meta = {"schema": 1, "kind": "predict", "job": asked["job"], "joints": answer["joints"]}
    for image in answer["turned"]:
        said = "says that it is to be shown turned (EXIF); its pixels are taken as they are stored, as in the data sets"
        note(f"{image}: {said}; turn them first, e.g. with exiftran -ai")
    notes = [] if format == "json" else [f"--json has where the {len(answer['joints'])} joints are."]
    if not wanted.boxes:
        notes.append("A box is the whole image; for one person of several: --box X,Y,WIDTH,HEIGHT.")
    emit(format, f"Predictions of job {asked['job']}", columns, rows, meta, notes)
    return OK


def job_of(run: str, scale: str | None, results: Path) -> str:
    """Return the id of a finished job: the only one that a beginning fits, or an arm's first seed."""
    file, mark, arm = run.partition(".toml:")
    if mark:
        jobs = arm_side(Path(f"{file}.toml"), arm, scale, results).results
        if len(jobs) > 1:
            note(f"{run}: {len(jobs)} seeds are done; this is the first, job {jobs[0]}")
        return jobs[0]
    job = find(run, results).name
    state = JobDir.of(results, job, folders.data_root()).state()
    if state.name not in ("done", "stale") and JobDir.of(results, job).result() is None:
        raise CannotJudge(f"{run}: job {job} is {state.name}: it has no result yet; see benchbox logs {job}")
    if state.name == "stale":
        note(f"{job}: stale, made by other code or data than today's")
    return job


def _box(text: str, image: Path) -> list[float]:
    """Read a box as typed and see that it is one of the image, as far as its header tells how large that is."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise InvalidInput(f"--box {text}: must be X,Y,WIDTH,HEIGHT in pixels, e.g. 40,12.5,120,300")
    x, y, wide, high = numbers
    if not (math.isfinite(sum(numbers)) and wide > 0 and high > 0):
        raise InvalidInput(f"--box {text}: width and height must be above 0, and all four finite, e.g. 40,12.5,120,300")
    height, width = header_size(image) or (math.inf, math.inf)
    if x >= width or y >= height or x + wide <= 0 or y + high <= 0:
        size = f", which has {width} x {height} pixels" if width < math.inf else ""
        raise InvalidInput(f"--box {text}: lies outside {image}{size}; give X,Y,WIDTH,HEIGHT inside")
    return numbers
