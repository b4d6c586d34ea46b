"""Look for arms, jobs and saved predictions that a verb was given before anything heavy is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchbox.cli import known
from benchbox.console import note
from benchbox.errors import CannotJudge, EnvironmentProblem, InvalidInput, nearest

MOST_NAMES = 8
"""Arms that one line tells."""


def arms(study: Path, scale: str | None) -> list[str]:
    """Return the names of a study's arms, at the scale asked for or else at a quick one.

    Raises: InvalidInput for a study that is not one.
    """
    from benchbox.plan import expand
    from benchbox.spec import read_study

    found = read_study(study)
    try:
        return [arm.name for arm in expand(found, scale or ("tiny" if "tiny" in found.scales else "paper"))]
    except EnvironmentProblem:  # weights that this scale asks for, which may not be the one that is shown
        return known.arms(study)


def arm(study: Path, name: str, scale: str | None) -> None:
    """Look for an arm of a study.

    Raises: InvalidInput with the nearest.
    """
    names = arms(study, scale)
    if name not in names:
        raise InvalidInput(f'{study}: has no arm "{name}"{nearest(name, set(names))}')


def arms_named(names: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Return the names that one of some parts means: the name that it is, else all that contain it.

    Raises: InvalidInput where none does.
    """
    whole = {name.lower() for name in names}
    wanted = [part.lower() for part in parts]
    found = [
        name
        for name in names
        if any(name.lower() == part if part in whole else part in name.lower() for part in wanted)
    ]
    if not found:
        raise InvalidInput(f"--only {' '.join(parts)}: no arm{nearest(parts[0], set(names))}")
    return found


def job(text: str, results: Path) -> str:
    """Return the only job's id that begins so, or that of the first seed of STUDY.toml:ARM.

    Raises: InvalidInput with the nearest, or with what is missing.
    """
    study, mark, name = text.partition(".toml:")
    if mark:
        found = jobs_of_arm(Path(f"{study}.toml"), name, results)
        if len(found) > 1:
            note(f"{text}: {len(found)} seeds were begun; this is the first, job {found[0]}")
        return found[0]
    _refuse_study(text)
    ids = [*known.jobs(results)]
    found = [one for one in ids if text and one.startswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(f"job {text}: begins {len(found)} ids: {', '.join(found[:5])}; type more of it")
    hint = nearest(text, ids) if ids else "; it has no jobs yet: benchbox run STUDY.toml makes them"
    raise InvalidInput(f"job {text}: not in {results}{hint}")


def jobs_of_arm(path: Path, name: str, results: Path, scale: str | None = None) -> list[str]:
    """Return the ids of an arm's jobs that have a folder: at the scale asked for, else at the largest that has one.

    Raises: InvalidInput for an unknown arm, or one that was never run.
    """
    from benchbox.plan import expand
    from benchbox.spec import SCALES, read_study

    arm(path, name, scale)
    study, there = read_study(path), known.jobs(results)
    for one in (scale,) if scale else [one for one in SCALES if one == "paper" or one in study.scales]:
        found = dict.fromkeys(arm.job for arm in expand(study, one) if arm.name == name and arm.job in there)
        if found:
            return list(found)
    asked = f" at scale {scale}" if scale else ""
    raise InvalidInput(f"{path}:{name}: no job of it in {results}{asked}; it begins with: benchbox run {path}")


def _refuse_study(text: str) -> None:
    """Say which arms a study has where one of them was to be named."""
    if text.endswith(".toml"):
        names = arms(Path(text), None)
        raise InvalidInput(f'{text}: is a study; name an arm of it, e.g. "{text}:{names[0]}"; arms: {_some(names)}')


def _some(names: Sequence[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return ", ".join(dict.fromkeys(names[:MOST_NAMES])) + more


def result(text: str, scale: str | None, results: Path) -> str:
    """Look for what STUDY.toml:ARM, saved predictions or the beginning of a job's id names; return its id or name.

    Raises: InvalidInput with the nearest.
    """
    file, mark, name = text.partition(".toml:")
    if mark:
        arm(Path(f"{file}.toml"), name, scale)
        return text
    _refuse_study(text)
    saved, ids = known.saved(results), [*known.jobs(results)]
    found = [text] if text in saved else [one for one in ids if text and one.startswith(text)]
    if len(found) > 1:
        raise InvalidInput(f"{text}: begins {len(found)} job ids: {', '.join(found[:5])}; type more of it")
    if not found:
        hint = nearest(text, [*saved, *ids]) or "; it has no results yet: benchbox run STUDY.toml makes them"
        raise InvalidInput(f"{text}: neither a job nor saved predictions in {results}, nor STUDY.toml:ARM{hint}")
    return found[0]


def some(results: Path) -> None:
    """See that anything was ever run.

    Raises: CannotJudge.
    """
    if not known.jobs(results):
        raise CannotJudge(f"report: there are no jobs in {results}; name a study, or call benchbox run first")
