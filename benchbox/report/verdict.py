"""Whether a measured number is the printed one, as far as its digits go, within noise, or off; or why none can say."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtrit

from benchbox.papers import formula
from benchbox.papers.read import PaperColumn, PaperRow, PaperTable
from benchbox.report.frame import Measured

REPRODUCED, WITHIN_NOISE, OFF = "reproduced", "within noise", "off"
NOT_COMPARABLE, PENDING, FAILED, STALE = "not comparable", "pending", "failed", "stale"
MARKS = {REPRODUCED: "=", WITHIN_NOISE: "≈", OFF: "≠"}
"""What stands behind a number whose verdict needs a sign."""
ABSENT = {"failed": FAILED, "stale": STALE} | dict.fromkeys(("pending", "running", "interrupted", "cancelled"), PENDING)
"""Verdicts by the state of an arm that is not done."""
CONFIDENCE = 0.95
PARTS = {
    "boxes": ("gt-boxes", "det-", "given"),
    "flip test": ("flip", "flip-noshift", "noflip"),
    "decoding": ("argmax", "dark", "regressed", "udp"),
}
"""What parts of a protocol id speak of, by their beginnings; of others the id itself is named."""


@dataclass(frozen=True)
class Verdict:
    """A word, and for some the reason."""

    word: str
    why: str = ""

    @property
    def text(self) -> str:
        return f"{self.word} ({self.why})" if self.why else self.word


def seeds_noise(found: Measured) -> float:
    """Return how far one more training's score may be from this mean, in points; 0 for one seed, which tells nothing.

    Source: prediction interval of one more observation, Student's t with n - 1 degrees of freedom.
    """
    if found.deviation is None:
        return 0.0
    return float(stdtrit(found.n - 1, (1 + CONFIDENCE) / 2) * found.deviation * (1 + 1 / found.n) ** 0.5)


def seeds_mean_noise(found: Measured) -> float:
    """Return the half-width of the mean's interval over seeds, in points; infinite for one seed, which tells nothing.

    Source: Student's t with n - 1 degrees of freedom.
    """
    if found.deviation is None:
        return float("inf")
    return float(stdtrit(found.n - 1, (1 + CONFIDENCE) / 2) * found.deviation / found.n**0.5)


def of_count(reported: str, counted: float | None) -> Verdict:
    """Judge a counted number against one printed, in millions where that ends with M; counts know no noise."""
    if counted is None:
        return Verdict(NOT_COMPARABLE, "not run here")
    span = formula.printed(reported)
    inside = span.low <= counted / (1e6 if reported.endswith("M") else 1) <= span.high
    return Verdict(REPRODUCED if inside else OFF)


def of_score(reported: str, found: Measured, noise: float = 0.0) -> Verdict:
    """Judge a score against the printed one; both must be comparable.

    Args: noise: how far the persons' interval reaches from the mean, in points; the seeds' own is added here.
    """
    span = formula.printed(reported)
    gap, half = abs(found.mean - span.value), (span.high - span.low) / 2 + formula.SLACK
    if gap <= half:
        return Verdict(REPRODUCED)
    return Verdict(WITHIN_NOISE if gap <= half + max(noise, seeds_noise(found)) else OFF)


def obstacle(table: PaperTable, row: PaperRow, scale: str, protocol: str) -> str:
    """Say why a score that is there cannot be compared with the printed one; nothing where it can."""
    if scale != "paper":
        return f"scale {scale}"
    if row.not_comparable or table.not_comparable:
        return row.not_comparable or table.not_comparable
    return _difference(table.protocol, protocol)


def judge(
    table: PaperTable,
    row: PaperRow,
    column: PaperColumn,
    *,
    scale: str,
    state: str,
    found: Measured | None,
    protocol: str,
    noise: float = 0.0,
) -> Verdict | None:
    """Judge one score of a paper's table; None where nothing is printed.

    Args: state: of the arm, empty where no arm answers the row. protocol: of `found`.
    """
    reported = table.text(row, column)
    if reported in ("", "-"):
        return None
    if not row.arm:
        return Verdict(NOT_COMPARABLE, f"cited [{row.cited}], not run here")
    if state in ABSENT:
        return Verdict(ABSENT[state], "" if state == ABSENT[state] else state)
    if found is None:
        return Verdict(NOT_COMPARABLE, "not scored by this protocol")
    why = obstacle(table, row, scale, protocol)
    return Verdict(NOT_COMPARABLE, why) if why else of_score(reported, found, noise)


def _difference(wanted: str, found: str) -> str:
    mine, theirs = found.split("/"), wanted.split("/")
    for part in [one for one in theirs if one not in mine] + [one for one in mine if one not in theirs]:
        for name, beginnings in PARTS.items():
            if part.startswith(beginnings):
                return f"{name}: {found}"
        return f"protocol: {found}"
    return ""
