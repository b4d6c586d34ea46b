"""Results from Python: what the verbs print, as data frames.

Every function takes the paths that the verbs take, relative ones from the current folder; `results` is the results
folder, when not given the one that BENCHBOX_RESULTS names, else `results`. Nothing is printed: what a verb would note
on stderr is in the frame's `attrs["notes"]`, a list of lines. A user's mistake raises one of `benchbox.errors`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

if TYPE_CHECKING:  # to import benchbox loads nothing heavy
    import numpy as np
    import pandas as pd

File = str | os.PathLike[str]
Text = Literal["md", "latex", "csv", "json", "html"]


def read_results(
    study_or_folder: File, *, scale: str | None = None, seeds: Sequence[int] = (), results: File | None = None
) -> pd.DataFrame:
    """Read every score on record of a study's arms, or of all jobs of a results folder.

    Args:
        study_or_folder: a study's file, or a results folder.
        scale: of a study: paper, mini or tiny; when not given the one that `benchbox table` would show.
        seeds: of a study: what `run --seeds` was given, if not the study's own.
        results: of a study: the results folder.

    Returns: a row for every arm, seed and score; an arm's seed without a result has one row without a score. Columns:
        study, arm_group, arm, reference, scale, seed: which arm; NA for jobs of a results folder, but for the seed.
        job: its id; or the name of saved predictions. state: done, stale (made by other code or data than today's),
        pending, running, interrupted, failed, cancelled or saved.
        protocol, metric, group ("all", "joint:left_wrist", "category:dancing", ...), value (percent), n (how many
        joints or persons count).
        parameters, macs (multiply-adds), epochs, final_loss, wall_seconds, step_seconds, samples_per_second,
        peak_memory_bytes, latency_seconds (of predicting one person), device: of the job, on each of its rows.

    Raises: InvalidInput for a study or a folder that cannot be used.
    """
    from benchbox.cli import arguments, seed_rows
    from benchbox.console import kept_notes
    from benchbox.report import frames

    with kept_notes() as notes:
        path, scale = arguments.path("study_or_folder", study_or_folder), arguments.word("scale", scale)
        if path.is_dir():
            found = seed_rows.of_folder(path, bool(scale or seeds), results is not None)
        else:
            found = seed_rows.of_study(path, scale, arguments.seeds(seeds), _folder(results))
        frame = frames.long(*found)
    frame.attrs["notes"] = notes
    return frame


class TableChoice(TypedDict, total=False):
    """What of a table is asked for; see `table`."""

    by: str | None
    paper: str | None
    tables: Sequence[str]
    protocol: str | Sequence[str]
    mixed: bool
    saved: Sequence[str]
    compare: bool
    scale: str | None
    seeds: Sequence[int]
    results: File | None


@overload
def table(study: File | None = None, *, format: None = None, **choice: Unpack[TableChoice]) -> pd.DataFrame: ...
@overload
def table(study: File | None = None, *, format: Text, **choice: Unpack[TableChoice]) -> str: ...
def table(
    study: File | None = None,
    *,
    by: str | None = None,
    paper: str | None = None,
    tables: Sequence[str] = (),
    protocol: str | Sequence[str] = (),
    mixed: bool = False,
    saved: Sequence[str] = (),
    compare: bool = False,
    scale: str | None = None,
    seeds: Sequence[int] = (),
    results: File | None = None,
    format: Text | None = None,
) -> pd.DataFrame | str:
    """Return the table that `benchbox table` prints, of a study or of a paper.

    Args:
        study: its file. paper: a paper's name instead; tables: some of its tables.
        by: joint, pair, category or activity.
        protocol, mixed, saved, compare, scale: the verb's --protocol, --mixed-protocols, --with, --compare, --scale.
        seeds: its --seeds, what `run --seeds` was given, if not the study's own.
        format: md, latex, csv, json or html for the verb's text.

    Returns: the text; without a format a row for every row of the table, with columns arm, reference, state; of a study
        parameters, macs (multiply-adds); of a paper before them table, row and the row's labels; then for every cell's
        key, which is a score (such as "AP coco-kp/gt-boxes/flip", or a group) or a paper's column:
        KEY (of a paper "KEY measured"; percent, mean over the seeds), "KEY deviation" (standard, over the seeds, NaN
        for one), "KEY seeds" (how many); by a group "KEY counted" (joints or persons); of a paper "KEY reported" (its
        text), "KEY verdict", and of costs "KEY counted" and "KEY here" (at the table's scale); with compare
        "KEY difference", "KEY low", "KEY high" (points), "KEY p", "KEY p_holm". `attrs` has title and footnotes.

    Raises: InvalidInput for what is not there or does not go together, CannotJudge where there is nothing to show.
    """
    from benchbox.cli import arguments, finished, grid
    from benchbox.cli import tables as verb
    from benchbox.console import kept_notes
    from benchbox.errors import InvalidInput, nearest
    from benchbox.report import frames

    by, paper, scale = arguments.word("by", by), arguments.word("paper", paper), arguments.word("scale", scale)
    texts = [name for name in grid.FORMATS if name != "rich"]
    wanted = arguments.word("format", format)
    if wanted is not None and wanted not in texts:
        raise InvalidInput(f"format {wanted}: unknown{nearest(wanted, texts)}")
    asked, kept = arguments.words("protocol", protocol), arguments.words("saved", saved)
    chosen = arguments.words("tables", tables)
    shown = verb.Shown(by, asked, mixed, kept, compare, chosen, arguments.seeds(seeds))
    with kept_notes() as notes:
        path = None if study is None else arguments.path("study", study)
        if by and path and not kept:
            finished.require_done(path, scale, shown.seeds, _folder(results))
        found = verb.layouts(path, paper, scale, shown, _folder(results), wide=format == "csv")
    if format is not None:
        return grid.as_text(format, *verb.sheets(found, paper, shown, format))
    frame = frames.wide(found)
    frame.attrs["notes"] = notes
    return frame


def compare(
    a: File,
    b: File,
    *,
    by: str | None = None,
    protocol: str | Sequence[str] = (),
    mixed: bool = False,
    confidence: float = 0.95,
    resamples: int | None = None,
    scale: str | None = None,
    seeds: Sequence[int] = (),
    results: File | None = None,
) -> pd.DataFrame:
    """Compare two results on the same persons, as `benchbox compare` does.

    Args:
        a, b: each the beginning of a job's id, the name of saved predictions, or STUDY.toml:ARM with all its seeds.
        by: joint, pair, category or activity; the whole set and pairs of joints when not given.
        protocol, mixed, confidence, resamples, scale, seeds: as the verb's options.

    Returns: a row for every score: protocol, metric, group, a, b (percent), difference (b - a, points), low, high (its
        interval at `confidence`), p (two-sided), p_holm (adjusted for the rows of the same protocol, metric and kind of
        group), word (better, worse, no difference seen, or unclear: p cannot be small enough), confidence, seeds_a,
        seeds_b, persons, images, kind (what the interval speaks of). `attrs` has a and b (what was compared) and
        footnotes.

    Raises: InvalidInput for an unknown name, CannotJudge for other persons, protocols or no result, EnvironmentProblem
        without ground truth.
    """
    from benchbox.cli import arguments
    from benchbox.cli import compare as verb
    from benchbox.console import kept_notes
    from benchbox.report import frames

    by, scale = arguments.word("by", by), arguments.word("scale", scale)
    how = {"protocols": arguments.words("protocol", protocol), "mixed": mixed}
    how |= {"confidence": arguments.confidence(confidence), "resamples": arguments.resamples(resamples)}
    sides, asked = (arguments.text("a", a), arguments.text("b", b)), arguments.seeds(seeds)
    with kept_notes() as notes:
        done = verb.comparison(*sides, scale=scale, seeds=asked, by=by, how=how, results=_folder(results))
    frame = frames.compared(done.rows)
    said = verb.footnotes(done)
    frame.attrs = {"a": done.a.name, "b": done.b.name, "footnotes": said, "notes": notes}
    return frame


def score(
    predictions: File | np.ndarray,
    *,
    dataset: str,
    protocol: str | Sequence[str] = (),
    truth: File | None = None,
    origin: int | None = None,
    image_ids: Sequence[int] | None = None,
    scores: Sequence[float] | None = None,
    save: str = "",
    results: File | None = None,
) -> pd.DataFrame:
    """Judge predictions of others, as `benchbox score` does.

    Args:
        predictions: a file; or an array (N, K, 2) x, y, or (N, K, 3) with a confidence, in pixels of the images. Of
            mpii, lsp and lspet a row for every person of the ground truth, in its order; of coco for each of
            `image_ids`.
        dataset: coco, mpii, lsp or lspet, or NAME:SPLIT.
        protocol: such as "pckh@0.5/hrnet-v1"; the usual ones when not given.
        truth: the ground truth's file, if not the one below BENCHBOX_DATA.
        origin: what the coordinates of mpii and lsp count from, 0 or 1; when not given 1 for a file, as such files do,
            and 0 for an array.
        image_ids, scores: of an array for coco, the image (N,) and the score (N,) of every person; scores are 1 when
            not given.
        save: a name under which records and scores are kept, for `compare` and `table`.
        results: the folder for them.

    Returns: a row for every score: protocol, metric, group ("all", "joint:left_wrist", ...), value (percent), n
        (labelled joints; of AP predictions; of a category or an activity persons).

    Raises: InvalidInput for predictions that are not what they should be, CannotJudge where nothing can be scored,
        EnvironmentProblem without ground truth.
    """
    from benchbox.cli import arguments, arrays
    from benchbox.cli import scores as verb
    from benchbox.console import kept_notes
    from benchbox.report import frames

    ground = None if truth is None else arguments.path("truth", truth)
    where, asked = arguments.text("dataset", dataset), arguments.words("protocol", protocol)
    with kept_notes() as notes, arrays.as_file(predictions, where, image_ids, scores) as (file, usual):
        start, told = usual if origin is None else origin, "predictions" if usual == 0 else str(file)
        with arguments.named(file, told):
            answer = verb.judged(
                file, where, truth=ground, protocols=asked, origin=start, save=save, results=_folder(results)
            )
    frame = frames.plain(answer["rows"], {"protocol": str, "metric": str, "group": str, "value": float, "n": int})
    frame.attrs["notes"] = notes
    return frame


def _folder(results: File | None) -> Path:
    from benchbox.cli import arguments

    return arguments.path("results", results if results is not None else os.environ.get("BENCHBOX_RESULTS", "results"))
