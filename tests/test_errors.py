"""Exit codes are frozen; near matches help."""

from __future__ import annotations

import pytest

from benchbox import errors


def test_exit_codes_never_change() -> None:
    names = ("OK", "FAILED", "USAGE", "CANNOT_JUDGE", "ENVIRONMENT", "INTERRUPTED", "TERMINATED")
    assert [getattr(errors, name) for name in names] == [0, 1, 2, 3, 4, 130, 143]
    assert [kind.exit_code for kind in (errors.InvalidInput, errors.CannotJudge, errors.EnvironmentProblem)] == [
        2,
        3,
        4,
    ]


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("widht", ["width", "shrink"], '; did you mean "width"?'),
        ("zzz", ["width", "shrink"], "; known: shrink, width"),
        ("zzz", [], ""),
        ("0.001", ["train.lr = 0.001", "train.lr = 0.0005"], '; did you mean "train.lr = 0.001"?'),
        ("0.00", ["train.lr = 0.001", "train.lr = 0.0005"], "; known: train.lr = 0.0005, train.lr = 0.001"),
        ("foo", ["oom", "nan"], "; known: nan, oom"),
    ],
)
def test_the_nearest_word_is_named(word: str, known: list[str], said: str) -> None:
    assert errors.nearest(word, known) == said
