"""Arms with every seed for itself, and jobs that belong to no study, as long tables need them."""

from __future__ import annotations

from pathlib import Path

from benchbox import saved, store
from benchbox.cli import folders
from benchbox.cli.early import seeds_of
from benchbox.cli.finished import scaled
from benchbox.errors import InvalidInput
from benchbox.files import listed
from benchbox.report.frames import Seed, jobs_alone
from benchbox.spec import read_study


def of_study(path: Path, asked: str | None, seeds: str | None, results: Path) -> tuple[list[Seed], store.Store]:
    """Return every arm and seed of a study at one scale, with what was read of their jobs.

    Args: seeds: as typed, the study's own when None.

    Raises: InvalidInput.
    """
    scale, arms = scaled(read_study(path), asked, results, seeds_of(seeds))
    found = store.read(results, dict.fromkeys(arm.job for arm in arms), folders.data_root())
    rows = [Seed(path.stem, arm.group, arm.name, arm.reference, scale, arm.seed, arm.job) for arm in arms]
    return rows, found


def of_folder(results: Path, asked: bool, twice: bool) -> tuple[list[Seed], store.Store]:
    """Return every job and all saved predictions of a results folder.

    Args: asked: whether a scale or seeds were asked for. twice: whether another results folder was named too.

    Raises: InvalidInput for a folder that holds no results, or where more was asked for.
    """
    if asked or twice:
        raise InvalidInput(f"{results}: is a folder: scale, seeds and results go with a study's file")
    names = saved.names(results)
    if not (results / "jobs").is_dir() and not names:
        raise InvalidInput(f"{results}: neither a study's file nor a results folder: it holds no jobs")
    jobs = [entry.name for entry in listed(results / "jobs", "[0-9a-f]*")]
    found = store.with_saved(store.read(results, jobs, folders.data_root()), results, names)
    return jobs_alone([*jobs, *names], found), found
