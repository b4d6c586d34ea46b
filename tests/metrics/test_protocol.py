"""Protocol ids: every choice that moves a score is in the name, in one order."""

from __future__ import annotations

import itertools

import pytest

from benchbox.metrics import protocol

CHOICES = {
    "boxes": ["ground-truth", "detector"],
    "flip_test": [True, False],
    "flip_shift": [True, False],
    "decode": ["quarter", "argmax"],
}


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (("ground-truth", True, True, "quarter"), "coco-kp/gt-boxes/flip"),
        (("detector", True, True, "quarter"), "coco-kp/det-56.4/flip"),
        (("detector", True, False, "quarter"), "coco-kp/det-56.4/flip-noshift"),
        (("ground-truth", False, True, "argmax"), "coco-kp/gt-boxes/noflip/argmax"),
    ],
)
def test_names_are_frozen(choices: tuple[str, bool, bool, str], expected: str) -> None:
    named = dict(zip(CHOICES, choices, strict=True))
    assert protocol.coco_keypoints(**named) == expected  # type: ignore[arg-type]
    pckh = protocol.pckh(threshold=0.5, skeleton="coco17", **named)  # type: ignore[arg-type]
    assert pckh == expected.replace("coco-kp", "pckh@0.5/coco17")


def test_every_name_fits_the_grammar_and_differs_where_the_test_does() -> None:
    names = {}
    for choices in itertools.product(*CHOICES.values()):
        named = dict(zip(CHOICES, choices, strict=True))
        name = protocol.coco_keypoints(**named)  # type: ignore[arg-type]
        assert protocol.GRAMMAR.fullmatch(name)
        if not named["flip_test"]:
            named["flip_shift"] = None
        names.setdefault(name, set()).add(tuple(named.values()))
    assert all(len(meanings) == 1 for meanings in names.values())
