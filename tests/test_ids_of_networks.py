"""Jobs of every network: what has no effect is not part of the id, and whatever has one is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchbox.config import canonical, job_id
from benchbox.worker.network import network
from tests.test_config import NETWORKS, job

DIGEST = "0123456789abcdef"
HRNET_AM = {"attention": "am", "attend": {"stages": [1]}}
HOURGLASS_AM = {"attention": "am", "attend": {"stacks": [1, 2]}}

SMALL: dict[str, dict[str, Any]] = {
    "hrnet": {"blocks": 1, "modules": [1, 1, 1]},
    "resnet": {},
    "hourglass": {"stacks": 2},
    "acnn": {"stacks": 2},
    "mrn": {},
}


def named(path: str, digest: str = DIGEST) -> dict[str, str]:
    return {"path": path, "digest": digest}


# a network, and two ways to say the same of it: what has no effect is not part of a job
SAME: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("resnet", {"attention": "am", "attend": {"blocks": []}}, {"attention": "none"}),
    ("resnet", {"attend": {"blocks": [3]}, "sam_width": 64, "sam_kernel": "7x7", "reduction": 4}, {}),
    ("resnet", {"attention": "se", "attend": {"blocks": [4, 1, 1]}}, {"attention": "se", "attend": {"blocks": [1, 4]}}),
    ("resnet", {"attention": "am", "attend": {"blocks": [1, 2, 3, 4]}}, {"attention": "am"}),
    ("resnet", {"attention": "am", "sam_gate": "channels"}, {"attention": "am"}),
    ("resnet", {"attention": "sam", "reduction": 2}, {"attention": "sam"}),
    ("resnet", {"attention": "cam", "sam_kernel": "7x7", "sam_width": 8}, {"attention": "cam"}),
    ("resnet", {"attention": "se", "sam_kernel": "7x7", "sam_gate": "channels"}, {"attention": "se"}),
    ("resnet", {"attention": "cbam", "sam_kernel": "3x3//3x3", "sam_width": 8}, {"attention": "cbam"}),
    ("resnet", {"final_kernel": 3}, {"head": "deconv"}),
    ("hrnet", {**HRNET_AM, "sam_gate": "positions"}, HRNET_AM),
    ("hourglass", {"attention": "am", "reduction": 4}, {"attend": {"stacks": [1]}}),
    ("hourglass", {"attention": "am", "attend": {"stacks": [2, 1, 2]}}, HOURGLASS_AM),
    *(
        ("acnn", {"masks": "ones", **idle}, {"masks": "ones"})
        for idle in ({"mask": "binary"}, {"mask_offset": 0}, {"masked_identity": False}, {"masked_heatmaps": True})
    ),
    ("mrn", {"mask_width": 8}, {}),
    ("mrn", {"mask_width": 8, "attention": "heatmap"}, {"attention": "heatmap"}),
    ("mrn", {"masks": "ones"}, {"attention": "none"}),
    ("mrn", {"stacks": 1, "merge": "features"}, {"stacks": 1}),
]


@pytest.mark.parametrize(("name", "one", "other"), SAME, ids=str)
def test_networks_that_are_the_same_share_their_id(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    base = {"dataset": {"name": "synthetic"}, "model": {"name": name}}
    assert job_id(job(base, model=one)) == job_id(job(base, model=other))
    assert canonical(job(base, model=one)) == canonical(job(base, model=other))


@pytest.mark.parametrize(("name", "one", "other"), SAME, ids=str)
def test_networks_that_share_an_id_are_the_same(name: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    built = []
    for options in (one, other):
        base = {"dataset": {"name": "synthetic"}, "model": {"name": name, "shrink": 0.0625, **SMALL[name]}}
        model = network(job(base, model=options)).eval()
        shapes = [(key, tensor.shape) for key, tensor in model.state_dict().items()]
        built.append((shapes, torch.fx.symbolic_trace(model).code))
    assert built[0] == built[1]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("mrn", {"evaluate": {"flip_shift": False}}, {}),
        ("mrn", {"train": {"sigma": 1.0}}, {}),
        ("mrn", {"train": {"epochs": 0}, "model": {"auxiliary": 1.0}}, {"train": {"epochs": 0}}),
        ("resnet", {"model": {"pretrained": named("a/x.pth")}}, {"model": {"pretrained": named("/b.pth")}}),
        ("resnet", {"model": {"pretrained": named("")}}, {"model": {"pretrained": named("c.pth")}}),
        ("resnet", {"model": {"pretrained": named("x"), "weights": named("y")}}, {"model": {"weights": named("y")}}),
    ],
)
def test_jobs_of_other_networks_that_mean_the_same_share_their_id(
    name: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert job_id(job(NETWORKS[name], **one)) == job_id(job(NETWORKS[name], **other))


# all of these are different jobs, and none is the plain network
DIFFERENT: dict[str, list[dict[str, Any]]] = {
    "resnet": [
        *({"model": {"attention": kind}} for kind in ("cam", "sam", "am", "se", "cbam")),
        *(
            {"model": {"attention": "am", **gate}}
            for gate in (
                {"sam_kernel": "7x7"},
                {"sam_kernel": "3x3//3x3"},
                {"reduction": 8},
                {"attend": {"blocks": [1]}},
                {"sam_width": 64},
                {"sam_width": 64, "sam_gate": "channels"},
            )
        ),
        {"model": {"head": "bilinear"}},
        {"model": {"head": "bilinear", "final_kernel": 3}},
        {"model": {"depth": 101}},
        {"model": {"pretrained": named("x")}},
        {"model": {"pretrained": named("x", DIGEST[::-1])}},
        {"model": {"weights": named("x")}},
        {"model": {"colour": "bgr"}},
        {"evaluate": {"precision": "bf16"}},
        {"evaluate": {"flip_shift": False}},
    ],
    "hourglass": [
        {"model": {"stacks": 4}},
        {"model": {"attention": "am", "attend": {"stacks": [1]}}},
        {"model": {"attention": "am", "attend": {"stacks": [2]}}},
        {"model": {"initial": "normal"}},
        {"model": {"shrink": 0.5}},
        {"train": {"sigma": 1.0}},
    ],
    "acnn": [
        {"model": {"stacks": 8}},
        {"model": {"mask": "binary"}},
        {"model": {"masks": "ones"}},
        {"model": {"mask_offset": 0.0}},
        {"model": {"masked_identity": False}},
        {"model": {"masked_heatmaps": True}},
    ],
    "mrn": [
        *({"model": {"attention": kind}} for kind in ("global", "heatmap", "multi-resolution")),
        {"model": {"attention": "global", "masks": "ones"}},
        {"model": {"attention": "global", "mask_width": 8}},
        {"model": {"heatmaps": "joints"}},
        {"model": {"merge": "features"}},
        {"model": {"auxiliary": 1.0}},
        {"model": {"auxiliary": 1.0}, "train": {"sigma": 1.0}},
        {"model": {"slope": 0.01}},
        {"model": {"initial": "ones"}},
        {"evaluate": {"coordinates": "udp"}},
        {"dataset": {"input": [384, 384]}},
    ],
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_jobs_of_other_networks_that_differ_have_other_ids(name: str) -> None:
    ids = [job_id(job(NETWORKS[name], **change)) for change in ({}, *DIFFERENT[name])]
    assert len(set(ids)) == len(ids)


def test_weights_without_a_digest_have_no_id() -> None:
    for key in ("weights", "pretrained"):
        with pytest.raises(ValueError, match="no digest yet"):
            job_id(job(NETWORKS["resnet"], model={key: "x.pth"}))
