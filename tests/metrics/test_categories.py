from __future__ import annotations

import json
from collections import Counter

import pytest

from benchbox.datasets.synthetic.activities import ACTIVITIES
from benchbox.metrics.categories import COLUMNS, columns_of


def test_the_columns_of_the_paper():
    # Source: mrn-attention, Table 2.
    assert [column.name for column in COLUMNS] == [
        *("Standing", "Walking", "Dancing", "Skiing", "Exercising"),
        *("Bicycling", "Mountain biking", "Volleyball", "Basketball"),
    ]


def test_the_official_validation_persons(real_data):
    """2,958 persons and MPII's own names; the counts of the columns were measured apart from this code."""
    folder = real_data / "eval_cases" / "mpii"
    activities = json.loads((folder / "mpii_activities.json").read_text())
    people = json.loads((folder / "valid.json").read_text())
    found = Counter()
    for person in people:
        names = activities.get(person["image"], {"category": "", "activity": ""})
        columns = columns_of(names["category"], names["activity"])
        assert len(columns) <= 1
        found.update(columns)
    assert [found[column.name] for column in COLUMNS] == [129, 120, 226, 56, 246, 48, 25, 31, 53]
    assert [column.persons for column in COLUMNS] == [129, 120, 226, 56, 246, 48, 25, 31, 53]


@pytest.mark.parametrize("name", ACTIVITIES)
def test_the_embedded_activities_have_their_columns(name):
    activity = ACTIVITIES[name]
    assert activity.labels
    for label in activity.labels:
        assert columns_of(activity.category, label) == [name.capitalize()]


@pytest.mark.parametrize(
    ("category", "activity"),
    [
        ("", ""),
        ("sports", "tennis"),
        ("winter activities", "snowboarding"),
        ("water activities", "skiing, water or waterskiing"),
    ],
)
def test_others_are_in_no_column(category, activity):
    assert columns_of(category, activity) == []
