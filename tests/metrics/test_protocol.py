"""Protocol ids: every choice that moves a score is in the name, in one order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox.errors import InvalidInput
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.protocol import Protocol, Suppression, parse, prediction_parts

CHOICES: dict[str, list[Any]] = {
    "boxes": ["ground-truth", "detector"],
    "flip_test": [True, False],
    "flip_shift": [True, False],
    "decode": ["quarter", "argmax", "dark"],
    "coordinates": ["official", "udp"],
    "detections": ["", "yolo_x"],
    "heads": ["boxes", "neck"],
}


def parts(*choices: Any) -> tuple[str, ...]:
    return prediction_parts(**dict(zip(CHOICES, choices, strict=False)))


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (("ground-truth", True, True, "quarter"), "coco-kp/gt-boxes/flip"),
        (("detector", True, True, "quarter"), "coco-kp/det-56.4/flip"),
        (("detector", True, False, "quarter"), "coco-kp/det-56.4/flip-noshift"),
        (("ground-truth", False, True, "argmax"), "coco-kp/gt-boxes/noflip/argmax"),
        (("ground-truth", True, False, "dark", "udp"), "coco-kp/gt-boxes/flip/dark/udp"),
        (("detector", True, True, "quarter", "official", "yolo_x"), "coco-kp/det-yolo_x/flip"),
    ],
)
def test_names_are_frozen(choices: tuple[Any, ...], expected: str) -> None:
    assert str(Protocol("coco-kp", prediction=parts(*choices))) == expected
    pckh = Protocol("pckh", 0.5, "coco17", parts(*choices))
    assert str(pckh) == expected.replace("coco-kp", "pckh@0.5/coco17")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Suppression(), "coco-kp/given"),
        (Suppression(threshold=0.5), "coco-kp/given/nms-0.5"),
        (Suppression(nms="soft"), "coco-kp/given/soft-nms-0.9"),
        (Suppression(nms="none", rescoring=False, box_score=0.3), "coco-kp/given/box-score-0.3/no-rescoring/no-nms"),
    ],
)
def test_choices_of_the_scoring_are_named_where_they_are_not_official(chosen: Suppression, expected: str) -> None:
    assert str(Protocol("coco-kp", prediction=("given",), suppression=chosen)) == expected


def test_ways_of_predicting_share_a_name_only_where_they_are_the_same_way() -> None:
    names: dict[tuple[str, ...], set[Any]] = {}
    for choices in itertools.product(*CHOICES.values()):
        named = dict(zip(CHOICES, choices, strict=True))
        if not named["flip_test"] or named["coordinates"] == "udp":
            named["flip_shift"] = None
        if named["boxes"] != "detector" and named["detections"]:
            continue
        names.setdefault(prediction_parts(**dict(zip(CHOICES, choices, strict=True))), set()).add(tuple(named.values()))
    assert all(len(meanings) == 1 for meanings in names.values())


@given(
    choices=st.tuples(*(st.sampled_from(values) for values in CHOICES.values())),
    suppression=st.builds(
        Suppression,
        box_score=st.sampled_from([0.0, 0.3, 1.0]),
        rescoring=st.booleans(),
        nms=st.sampled_from(["oks", "soft", "none"]),
        threshold=st.just(0.9),
    ),
    convention=st.sampled_from(sorted(CONVENTIONS)),
    threshold=st.sampled_from([0.1, 0.11, 0.5, 0.5263, 1.0]),
)
def test_an_id_is_read_back_as_it_was_written(
    choices: tuple[Any, ...], suppression: Suppression, convention: str, threshold: float
) -> None:
    made = parts(*choices)
    coco = Protocol("coco-kp", prediction=made, suppression=suppression)
    counted = Protocol(CONVENTIONS[convention].metric, threshold, convention, made)
    for one in (coco, counted):
        assert parse(str(one)) == one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ap", "unknown metric ap"),
        ("pckh", "unknown metric pckh"),
        ("pckh@2.5/hrnet-v1", "unknown metric"),
        ("coco-kp@0.5", "unknown metric"),
        ("pckh@0.5/hrnet", 'unknown convention hrnet; did you mean "hrnet-v1"?'),
        ("pck@0.2", "unknown convention (none); known: lsp-v1"),
        ("coco-kp/gtboxes", 'unknown part gtboxes; did you mean "gt-boxes"?'),
        ("coco-kp/flip/gt-boxes", "gt-boxes stands in the wrong place"),
        ("pckh@0.5/hrnet-v1/nms-0.5", "unknown part nms-0.5"),
    ],
)
def test_what_is_no_protocol_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert said in str(caught.value)


def test_scoring_cannot_change_how_predictions_were_made() -> None:
    made = parts("ground-truth", True, True, "quarter")
    assert str(parse("pckh@0.1/hrnet-v1").made_by(made)) == "pckh@0.1/hrnet-v1/gt-boxes/flip"
    assert str(parse("coco-kp/gt-boxes/flip").made_by(made)) == "coco-kp/gt-boxes/flip"
    with pytest.raises(InvalidInput, match="the predictions are gt-boxes/flip"):
        parse("coco-kp/det-56.4/flip").made_by(made)
