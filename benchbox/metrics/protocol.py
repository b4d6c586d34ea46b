"""Protocol ids: one grammar that says everything that changes a score.

id      = metric [ "/" convention ] { "/" prediction } { "/" choice }
metric  = "coco-kp" | "pckh@" threshold | "pck@" threshold
convention (pckh and pck only) = a key of `conventions.CONVENTIONS`
prediction = whose boxes, then how the heatmaps were read:
          gt-boxes | det-56.4 | det-NAME     flip | flip-noshift | noflip
          argmax | dark (only where it is not the quarter offset)     regressed (where there are no heatmaps)
          udp (only where coordinates are not the official)     bf16 (where the network did not compute in fp32)
          neck-heads (head sizes from the neck's length, where a split has no head boxes)
          best (weights of the best epoch, chosen by these very scores)
          complete (only persons of whom every joint is labelled)
          or "given" alone: predictions of others that do not say how they were made
choice  = what scoring does with the saved predictions, only where it is not the official way (coco-kp only):
          box-score-T (boxes below T are dropped)    no-rescoring    nms-T | soft-nms-T | no-nms
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchbox.errors import InvalidInput, nearest
from benchbox.metrics.conventions import CONVENTIONS

NMS_THRESHOLD = 0.9
"""Of the official test configurations (OKS_THRE)."""
DETECTIONS_NAME = "56.4"
"""AP of the field's person detections on val2017, by which they are called."""

_NUMBER = r"(?:0|1)(?:\.\d+)?"
_METRIC = re.compile(rf"(coco-kp|pckh|pck)(?:@({_NUMBER}))?")
_VOCABULARY = (
    re.compile(r"gt-boxes|det-[a-z0-9][a-z0-9._-]*|given"),
    re.compile(r"flip|flip-noshift|noflip"),
    re.compile(r"argmax|dark|regressed"),
    re.compile(r"udp"),
    re.compile(r"bf16"),
    re.compile(r"neck-heads"),
    re.compile(r"best"),
    re.compile(r"complete"),
)
_CHOICE = re.compile(rf"box-score-({_NUMBER})|no-rescoring|(?:soft-)?nms-({_NUMBER})|no-nms")
_WORDS = (
    *("gt-boxes", "det-56.4", "given", "flip", "flip-noshift", "noflip"),
    *("argmax", "dark", "regressed", "udp", "bf16", "neck-heads", "best", "complete"),
)
_CHOICES = ("box-score-0.3", "no-rescoring", "nms-0.9", "soft-nms-0.9", "no-nms")


@dataclass(frozen=True)
class Suppression:
    """What COCO scoring does with saved predictions; the defaults are the official test configurations.

    Args:
        box_score: boxes with a lower score are dropped.
        rescoring: a person's score is the box's times the mean confidence of the keypoints; else the box's.
        nms: oks, soft or none.
        threshold: of the suppression, an OKS in [0, 1].
    """

    box_score: float = 0.0
    rescoring: bool = True
    nms: str = "oks"
    threshold: float = NMS_THRESHOLD

    def parts(self) -> list[str]:
        """Return the parts of an id, none for the official way."""
        parts = [f"box-score-{self.box_score:g}"] if self.box_score else []
        parts += [] if self.rescoring else ["no-rescoring"]
        if self.nms == "none":
            return [*parts, "no-nms"]
        if (self.nms, self.threshold) != ("oks", NMS_THRESHOLD):
            parts.append(f"{'soft-' if self.nms == 'soft' else ''}nms-{self.threshold:g}")
        return parts


@dataclass(frozen=True)
class Protocol:
    """One protocol; `str` gives its id.

    Args:
        metric: coco-kp, pckh or pck.
        threshold: of pckh in head sizes, of pck in torso sizes; NaN-free, None for coco-kp.
        convention: key of `conventions.CONVENTIONS`, empty for coco-kp.
        prediction: parts that say how the predictions were made; empty where not said yet.
        suppression: of coco-kp.
    """

    metric: str
    threshold: float | None = None
    convention: str = ""
    prediction: tuple[str, ...] = ()
    suppression: Suppression = Suppression()

    def __str__(self) -> str:
        head = self.metric if self.threshold is None else f"{self.metric}@{self.threshold:g}"
        parts = [head, *([self.convention] if self.convention else []), *self.prediction]
        return "/".join(parts + (self.suppression.parts() if self.metric == "coco-kp" else []))

    def made_by(self, prediction: tuple[str, ...]) -> Protocol:
        """Return the protocol for predictions that were made in a known way.

        Raises: InvalidInput where it asks for predictions made in another way; scoring cannot change that.
        """
        if self.prediction and self.prediction != prediction:
            raise InvalidInput(
                f"--protocol {self}: the predictions are {'/'.join(prediction)}; leave {'/'.join(self.prediction)} out"
            )
        return replace(self, prediction=prediction)


def prediction_parts(
    *,
    boxes: str,
    flip_test: bool,
    flip_shift: bool,
    decode: str,
    coordinates: str = "official",
    precision: str = "fp32",
    detections: str = "",
    heads: str = "boxes",
    weights: str = "last",
    people: str = "all",
) -> tuple[str, ...]:
    """Name how predictions are made.

    Args:
        boxes: ground-truth or detector.
        flip_test, flip_shift, decode, coordinates, precision: options of the test; decode is "regressed" for a network
            that puts out coordinates.
        detections: name of the detector's file where it is not the field's.
        heads: boxes, or neck where head sizes are made from the neck's length.
        weights: of the last epoch, or of the best.
        people: all, or complete.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", detections.lower()).strip("-._") or DETECTIONS_NAME
    flip = ("flip" if flip_shift and coordinates == "official" else "flip-noshift") if flip_test else "noflip"
    if coordinates == "udp" and flip_test:
        flip = "flip"
    return (
        {"ground-truth": "gt-boxes", "detector": f"det-{name}"}[boxes],
        flip,
        *([] if decode == "quarter" else [decode]),
        *([] if coordinates == "official" else [coordinates]),
        *([] if precision == "fp32" else [precision]),
        *([] if heads == "boxes" else [f"{heads}-heads"]),
        *([] if weights == "last" else [weights]),
        *([] if people == "all" else [people]),
    )


def other_joints(protocol: Protocol, skeleton: str) -> str:
    """Return what is said of a protocol whose convention is for other joints; empty where it is for these."""
    theirs = CONVENTIONS[protocol.convention].skeleton if protocol.convention else skeleton
    if theirs == skeleton:
        return ""
    known = ", ".join(name for name, one in CONVENTIONS.items() if one.skeleton == skeleton)
    said = f"{protocol}: convention {protocol.convention} is for {theirs}, not {skeleton}"
    return f"{said}; {f'known: {known}' if known else 'see CONVENTIONS in benchbox/metrics/conventions.py'}"


def parse(text: str) -> Protocol:
    """Read an id, or one without its parts about the predictions.

    Raises: InvalidInput naming the part that is unknown or out of order.
    """
    head, *parts = text.split("/")
    found = _METRIC.fullmatch(head)
    if found is None or (found[2] is None) != (found[1] == "coco-kp"):
        near = nearest(head, ("coco-kp", "pckh@0.5", "pck@0.2"))
        hint = near if "did you mean" in near else "; known: coco-kp, pckh@0.5, pck@0.2"
        raise InvalidInput(f"--protocol {text}: unknown metric {head}{hint} (or another threshold: pckh@0.1)")
    metric, threshold = found[1], float(found[2]) if found[2] else None
    convention = ""
    if metric != "coco-kp":
        known = [name for name, one in CONVENTIONS.items() if one.metric == metric]
        convention = parts.pop(0) if parts else ""
        if convention not in known:
            raise InvalidInput(
                f"--protocol {text}: unknown convention {convention or '(none)'}{nearest(convention, known)}"
            )
    choices = [part for part in parts if metric == "coco-kp" and _CHOICE.fullmatch(part)]
    prediction = tuple(part for part in parts if part not in choices)
    _check_order(text, prediction)
    return Protocol(metric, threshold, convention, prediction, _suppression(choices))


def _check_order(text: str, prediction: Iterable[str]) -> None:
    place = 0
    for part in prediction:
        at = next((number for number, words in enumerate(_VOCABULARY) if words.fullmatch(part)), None)
        if at is None:
            raise InvalidInput(f"--protocol {text}: unknown part {part}{nearest(part, (*_WORDS, *_CHOICES))}")
        if at < place:
            raise InvalidInput(f"--protocol {text}: {part} stands in the wrong place; the order is {', '.join(_WORDS)}")
        place = at + 1


def _suppression(choices: Iterable[str]) -> Suppression:
    chosen = Suppression()
    for part in choices:
        number = float(part.rpartition("-")[2]) if part[-1].isdigit() else 0.0
        if part.startswith("box-score"):
            chosen = replace(chosen, box_score=number)
        elif part == "no-rescoring":
            chosen = replace(chosen, rescoring=False)
        elif part == "no-nms":
            chosen = replace(chosen, nms="none")
        else:
            chosen = replace(chosen, nms="soft" if part.startswith("soft") else "oks", threshold=number)
    return chosen
