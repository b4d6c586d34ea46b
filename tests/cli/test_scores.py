"""What the verbs of scores say below their tables."""

from __future__ import annotations

import pytest

from benchbox.cli.scores import _footnotes
from benchbox.metrics.protocol import parse


@pytest.mark.parametrize(
    ("protocols", "prediction", "example"),
    [
        (["coco-kp/given"], "given", "coco-kp/det-56.4/flip"),
        (["pckh@0.5/joints-v1/given", "pckh@0.5/hrnet-v1/given"], "given", "pckh@0.5/hrnet-v1/gt-boxes/flip"),
        (["pckh@0.5/hrnet-v1/given/neck-heads"], "given/neck-heads", "pckh@0.5/hrnet-v1/gt-boxes/flip/neck-heads"),
        (["pck@0.2/lsp-v1/given"], "given", "pck@0.2/lsp-v1/gt-boxes/flip"),
    ],
)
def test_the_protocol_that_is_advised_is_one_of_the_same_metric(
    protocols: list[str], prediction: str, example: str
) -> None:
    rows = [{"protocol": name, "group": "all"} for name in protocols]
    (note,) = [note for note in _footnotes(rows, prediction) if note.startswith("given: ")]
    assert note.endswith(f"--protocol can ({example}).")
    assert str(parse(example)) == example


def test_nothing_is_advised_where_it_is_said() -> None:
    assert not any(
        "given" in note for note in _footnotes([{"protocol": "coco-kp/gt-boxes", "group": "all"}], "gt-boxes")
    )
