"""Jobs: the canonical form and the ids, which never change for a job that means the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbox import spec
from benchbox.config import JobConfig, canonical, job_id
from benchbox.datasets.synthetic import files
from benchbox.options.attention import HRNET_PLACES
from benchbox.options.datasets import SYNTHETIC_VERSION

PAPER = {
    "dataset": {"name": "coco"},
    "model": {"name": "hrnet", "attention": "am"},
    "train": {"epochs": 210, "batch": 4, "lr_drops": [170, 200]},
    "evaluate": {"boxes": "detector"},
}
TINY = {"dataset": {"name": "synthetic"}, "model": {"name": "hrnet", "shrink": 0.25}, "train": {"epochs": 6}}
BARE = {"dataset": {"name": "synthetic"}, "model": {"name": "hrnet"}}
WEIGHTS = {"model": {"weights": {"path": "x.pth", "digest": "0123456789abcdef"}}, "train": {"epochs": 0}}
NETWORKS: dict[str, dict[str, Any]] = {
    name: {"dataset": {"name": "mpii"}, "model": {"name": name}} for name in ("resnet", "hourglass", "acnn", "mrn")
}


def job(base: dict[str, Any], **tables: dict[str, Any]) -> JobConfig:
    merged = {name: {**base.get(name, {}), **tables.get(name, {})} for name in base.keys() | tables.keys()}
    return JobConfig.model_validate(merged)


GOLDEN = {
    "7483d09545be": (PAPER, {}),
    "7b6267d530d5": (PAPER, {"model": {"attend": {"sub_networks": [1], "stages": [1]}}}),
    "9126f377d5f5": (TINY, {}),
    "e6b792e04219": (TINY, {"evaluate": {"flip_test": False}}),
    "b43ce24fa41f": (PAPER, WEIGHTS),
    "00738a141cf9": ({"dataset": {"name": "mpii"}, "model": {"name": "hrnet"}}, {}),
    "3d580c297a47": (BARE, {"dataset": {"layout": "mpii"}, "evaluate": {"decode": "dark", "coordinates": "udp"}}),
    "a538b7194af4": ({"dataset": {"name": "lsp"}, "model": {"name": "hrnet"}}, {}),
    "f8e41399661e": (NETWORKS["resnet"], {}),
    "37e2eff47047": (NETWORKS["resnet"], {"model": {"head": "bilinear", "attention": "am", "sam_kernel": "7x7"}}),
    "4653bd2cf368": (
        NETWORKS["resnet"],
        {"model": {"depth": 152, "pretrained": {"path": "x.pth", "digest": "0123456789abcdef"}}},
    ),
    "8aef9d6d3e9e": (NETWORKS["hourglass"], {}),
    "e05ba2c2ae68": (
        NETWORKS["hourglass"],
        {"model": {"stacks": 2, "attention": "cbam", "attend": {"stacks": [2, 1]}}},
    ),
    "fc57ca703967": (NETWORKS["acnn"], {"train": {"sigma": 1.0}}),
    "bf37658672d5": (NETWORKS["acnn"], {"model": {"masks": "ones"}}),
    "8474f6a1f031": (NETWORKS["mrn"], {}),
    "d6950dde2acf": (
        NETWORKS["mrn"],
        {"model": {"attention": "global", "auxiliary": 0.5}, "evaluate": {"precision": "bf16"}},
    ),
}


@pytest.mark.parametrize(("expected", "case"), GOLDEN.items())
def test_ids_never_change(expected: str, case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert job_id(job(case[0], **case[1])) == expected


def test_the_canonical_form_holds_what_differs_from_the_defaults() -> None:
    config = job(PAPER, model={"attend": {"sub_networks": [2], "places": [[1, 1]]}, "width": 32})
    assert canonical(config) == {
        "dataset": {"name": "coco"},
        "model": {"name": "hrnet", "attention": "am", "places": [[1, 1], [1, 2], [2, 2], [3, 2]]},
        "train": {"batch": 4, "lr_drops": [170, 200]},
        "evaluate": {"boxes": "detector"},
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"model": {"attend": {"sub_networks": [1, 2, 3, 4]}}}, {"model": {"attend": {"stages": [3, 1, 2]}}}),
        ({"model": {"attention": "am"}}, {"model": {"attention": "none", "attend": {"stages": [1]}}}),
        ({"model": {"reduction": 8}}, {"model": {"sam_width": 216}}),
        ({"train": {"lr_drops": [300]}}, {"train": {"lr_drops": [], "lr_factor": 0.5}}),
        ({"train": {"epochs": 0}}, {"train": {"epochs": 0, "batch": 8, "rotate": 10}}),
        ({"evaluate": {"flip_test": False}}, {"evaluate": {"flip_test": False, "flip_shift": False}}),
        ({"train": {"lr": 1}}, {"train": {"lr": 1.0}}),
        ({"evaluate": {"coordinates": "udp"}}, {"evaluate": {"coordinates": "udp", "flip_shift": False}}),
        (WEIGHTS, {**WEIGHTS, "model": {"weights": {"path": "/y.pth", "digest": "0123456789abcdef"}, "initial": "he"}}),
    ],
)
def test_jobs_that_mean_the_same_share_their_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    base = {**PAPER, "train": {}} if "train" in one else PAPER
    assert job_id(job(base, **one)) == job_id(job(base, **other))


@given(st.sets(st.sampled_from(HRNET_PLACES)), st.randoms())
def test_the_order_of_places_does_not_matter(places: set[tuple[int, int]], random: Any) -> None:
    listed = [list(place) for place in places]
    shuffled = random.sample(listed, len(listed))
    assert job_id(job(PAPER, model={"attend": {"places": listed}})) == job_id(
        job(PAPER, model={"attend": {"places": shuffled + listed[:1]}})
    )


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"attend": {"stages": [1]}}},
        {"model": {"width": 48}},
        {"train": {"lr": 2e-3}},
        {"train": {"precision": "bf16"}},
        {"train": {"loss": "hardest-mse"}},
        {"train": {"sync_batch_norm": True}},
        {"train": {"deterministic": False}},
        {"model": {"colour": "bgr"}},
        {"dataset": {"input": [384, 288]}},
        {"evaluate": {"flip_test": False}},
        {"evaluate": {"decode": "argmax"}},
        {"evaluate": {"decode": "dark"}},
        {"evaluate": {"coordinates": "udp"}},
        {"evaluate": {"detections": "another"}},
        WEIGHTS,
    ],
)
def test_jobs_that_differ_have_other_ids(change: dict[str, Any]) -> None:
    assert job_id(job(PAPER)) != job_id(job(PAPER, **change))


def test_the_seed_and_the_generators_version_are_part_of_the_id() -> None:
    assert job_id(job(TINY)) != job_id(JobConfig.model_validate({**TINY, "seed": 1}))
    assert canonical(job(TINY))["dataset"] == {"name": "synthetic", "version": SYNTHETIC_VERSION}
    assert files.VERSION == SYNTHETIC_VERSION


def frozen_fields() -> dict[str, dict[str, Any]]:
    """Return every option's default by table, and the keys of a study."""
    tables: dict[str, dict[str, Any]] = {"study": dict.fromkeys(spec.RawStudy.model_json_schema()["properties"])}
    schema = JobConfig.model_json_schema()
    for name, table in {"JobConfig": schema, **schema["$defs"]}.items():
        defaults = {key: field.get("default", "required") for key, field in table["properties"].items()}
        tables[name] = {key: "a table" if isinstance(value, dict) else value for key, value in defaults.items()}
    return tables


def test_schema_1_keeps_every_key_and_default() -> None:
    golden = json.loads((Path(__file__).parent / "golden/schema_1.json").read_text(encoding="utf-8"))
    today = frozen_fields()
    for table, fields in golden.items():
        for key, default in fields.items():
            assert key in today[table], f"{table}.{key} is gone"
            assert today[table][key] == default, f"the default of {table}.{key} changed"
