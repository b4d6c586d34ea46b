"""What made the results of the page: commits, versions, machines, and the data that were read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from benchbox import __version__
from benchbox.cli.page_studies import Found
from benchbox.cli.page_tables import plain_table, word
from benchbox.digest import source_digest
from benchbox.page.content import Table

MADE_BY = (
    ("Commit", False),
    ("Source", False),
    ("Python", False),
    ("Libraries", False),
    ("Processor", False),
    ("Device", False),
    ("Jobs", True),
    ("First finished", False),
    ("Last finished", False),
)
READ = (("File", False), ("Digest", False), ("Jobs", True))


def tables(studies: Sequence[Found]) -> list[Table]:
    """Return what made the jobs, those alike in one row, and the files they read."""
    runs: dict[str, dict[str, str]] = {}
    for one in studies:
        columns = ("job", "source", "provenance", "inputs", "finished")
        for values in zip(*(one.store.runs[name].tolist() for name in columns), strict=True):
            runs.setdefault(values[0], {name: word(value) for name, value in zip(columns, values, strict=True)})
    return [_made_by(list(runs.values())), *_read(list(runs.values()))]


def _made_by(runs: Sequence[Mapping[str, str]]) -> Table:
    alike: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        alike.setdefault(_told(run["provenance"] or "{}", run["source"]), []).append(run["finished"])
    rows = [[*told, str(len(when)), min(when), max(when)] for told, when in sorted(alike.items())]
    caption = f"Jobs by what made them; today's source is {source_digest()}, benchbox {__version__}"
    return plain_table("made-by", caption, MADE_BY, rows)


def _told(provenance: str, source: str) -> tuple[str, ...]:
    made = json.loads(provenance)
    commit = made["commit"][:12] + (", changed" if made.get("dirty") else "") if made.get("commit") else "unknown"
    versions = ", ".join(f"{name} {text}" for name, text in sorted(made.get("versions", {}).items()) if text)
    processor = " ".join(made[key] for key in ("machine", "cpu") if made.get(key))
    return commit, source, made.get("python", ""), versions, processor, made.get("device", "")


def _read(runs: Sequence[Mapping[str, str]]) -> list[Table]:
    files: dict[tuple[str, str], int] = {}
    for run in runs:
        for pair in json.loads(run["inputs"] or "{}").items():
            files[pair] = files.get(pair, 0) + 1
    rows = [[name, digest, str(count)] for (name, digest), count in sorted(files.items())]
    return [plain_table("read", "Data files read", READ, rows)] if rows else []
