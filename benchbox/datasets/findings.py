"""What a check of a data set says: counts, which are only told, and findings, which somebody should look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold all problems of one kind: how many, and the first few as text with file or entry."""

    kind: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Hold what was found in one split.

    Args:
        dataset: coco, mpii or lsp.
        split: its name.
        fingerprint: 16 hexadecimal digits of the annotation files.
        counts: what is there, by name; whole numbers, and shares in percent where the name says so.
        findings: empty for a sound split.
    """

    dataset: str
    split: str
    fingerprint: str
    counts: dict[str, float]
    findings: tuple[Finding, ...]


def gathered(problems: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
    """Put problems (kind, text) together by kind, in the order in which the kinds first occur."""
    texts: dict[str, list[str]] = {}
    for kind, text in problems:
        texts.setdefault(kind, []).append(text)
    return tuple(Finding(kind, len(found), tuple(found[:EXAMPLES])) for kind, found in texts.items())
