"""The list of networks against what was counted on the official code and what papers print."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable

import pytest

from benchbox.errors import InvalidInput
from benchbox.networks import networks, note_of, source_of

Call = Callable[..., subprocess.CompletedProcess[str]]

# (name, joints, input) -> parameters, multiply-adds in G, the field's GFLOPs: the official networks, counted
OFFICIAL = {
    ("hrnet-w32", 17, "256x192"): (28_536_113, "7.645", "7.12"),
    ("hrnet-w32", 17, "384x288"): (28_536_113, "17.201", "16.02"),
    ("hrnet-w32", 16, "256x256"): (28_536_080, "10.193", "9.49"),
    ("hrnet-w48", 17, "256x192"): (63_595_745, "15.692", "14.61"),
    ("hrnet-w48", 17, "384x288"): (63_595_745, "35.307", "32.88"),
    ("hrnet-w48", 16, "256x256"): (63_595_696, "20.922", "19.49"),
    ("simple-baseline-r50", 17, "256x192"): (33_999_697, "5.426", "8.99"),
    ("simple-baseline-r50", 17, "384x288"): (33_999_697, "12.209", "20.23"),
    ("simple-baseline-r50", 16, "256x256"): (33_999_440, "7.234", "11.99"),
    ("simple-baseline-r101", 17, "256x192"): (52_991_825, "9.063", "12.38"),
    ("simple-baseline-r101", 17, "384x288"): (52_991_825, "20.391", "27.85"),
    ("simple-baseline-r101", 16, "256x256"): (52_991_568, "12.083", "16.50"),
    ("simple-baseline-r152", 17, "256x192"): (68_635_473, "12.699", "15.76"),
    ("simple-baseline-r152", 17, "384x288"): (68_635_473, "28.573", "35.47"),
    ("simple-baseline-r152", 16, "256x256"): (68_635_216, "16.931", "21.02"),
    ("hourglass-1", 16, "256x256"): (3_426_448, "5.150", "4.80"),
    ("hourglass-2", 16, "256x256"): (6_570_400, "8.335", "7.76"),
    ("hourglass-4", 16, "256x256"): (12_858_304, "14.703", "13.69"),
    ("hourglass-8", 16, "256x256"): (25_434_112, "27.440", "25.56"),
    ("hourglass-8", 17, "256x192"): (25_437_960, "20.592", "19.18"),
}
# by hand: four stacks and three masks of a 1x1 convolution 256 -> 1; the layers of the MRN without masks
BY_HAND = {"acnn": 12_858_304 + 3 * 257, "mrn": 15_009_122}
MASKED = ("mrn-global", "mrn-heatmap", "mrn-multi-resolution")
# the papers' own modules added by hand to the official networks
ATTENTIVE = {
    "efficient-hrnet-w32": 28_537_259,
    "efficient-hrnet-w48": 63_598_096,
    "efficient-hrnet-w32-all": 28_551_351,
    "efficient-sam-r50-7x7": 30_112_777,
    "efficient-sam-r50": 30_112_657,
    "efficient-sam-r50-parallel": 30_112_657,
    "efficient-sam-r50-7x7-matched": 31_196_741,
    "efficient-sam-r50-matched": 30_689_093,
    "efficient-sam-r50-parallel-matched": 30_689_093,
    "efficient-sam-r101-7x7": 49_104_905,
    "efficient-sam-r101": 49_104_785,
    "efficient-sam-r101-parallel": 49_104_785,
    "efficient-sam-r101-7x7-matched": 50_188_869,
    "efficient-sam-r101-matched": 49_681_221,
    "efficient-sam-r101-parallel-matched": 49_681_221,
}


def reported(text: str, value: float, decimals: int) -> bool:
    """Whether a printed figure is a counted one, rounded or cut off: the README prints 8.9 for 8.99, 12.4 for 12.38."""
    shift = 10**decimals
    return text in (f"{value:.{decimals}f}", f"{math.floor(value * shift) / shift:.{decimals}f}")


def test_the_list_is_what_the_official_networks_cost(benchbox: Call) -> None:
    done = benchbox("models", "list", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["schema"], record["kind"]) == (1, "models-list")
    rows = {(row["network"], row["joints"], row["input"]): row for row in record["rows"]}
    assert len(rows) == len(record["rows"]) == len(OFFICIAL) + len(ATTENTIVE) + len(BY_HAND) + len(MASKED)
    for key, (parameters, macs, gflops) in OFFICIAL.items():
        assert rows[key]["parameters"] == parameters
        assert (f"{rows[key]['macs'] / 1e9:.3f}", f"{rows[key]['field_gflops']:.2f}") == (macs, gflops)
    for name, parameters in ATTENTIVE.items():
        assert rows[name, 17, "256x192"]["parameters"] == parameters
    for name, parameters in BY_HAND.items():
        assert rows[name, 16, "256x256"]["parameters"] == parameters
    for name in MASKED:
        assert rows[name, 16, "256x256"]["parameters"] > BY_HAND["mrn"]
    for row in rows.values():
        printed = [(row["parameters_reported"], row["parameters"] / 1e6), (row["gflops_reported"], row["field_gflops"])]
        same = [reported(text.removesuffix("M"), value, 1) for text, value in printed if text]
        explained = set((row["notes"] or "").split()) - {"sam-matched", "sam-r101", "mrn"}
        assert all(same) != bool(explained), row


def test_the_list_is_cached_and_has_every_format(benchbox: Call) -> None:
    benchbox("models", "list", "efficient-hrnet-w32", "simple-baseline-r50")
    asked = ["models", "list", "efficient-hrnet-w32", "simple-baseline-r50", "efficient-hrnet-w32"]
    again = benchbox(*asked, PYTHONPROFILEIMPORTTIME="1")
    assert " torch" not in again.stderr
    lines = [line.split() for line in again.stdout.splitlines()]
    assert ["efficient-hrnet-w32", "17", "256x192", "28.537M", "31.9M", "7.645G", "7.12", "[1]"] in lines
    assert [
        "simple-baseline-r50",
        "17",
        "384x288",
        *["34.000M", "34.0M", "12.209G", "20.23", "20.0", "[2]"],
    ] in lines
    assert "[1] The text's module adds at most 15,238 parameters" in again.stdout
    for format, part in {
        "md": "| efficient-hrnet-w32 | 17 | 256x192 | 28.537M | 31.9M | 7.645G | 7.12 |  | \\[1\\] |",
        "latex": "efficient-hrnet-w32 & 17 & 256$\\times$192 & 28.537M & 31.9M & 7.645G & 7.12 &  & [1] \\\\",
        "csv": "efficient-hrnet-w32,17,256x192,28537259,31.9M,7645184384,7.12",
    }.items():
        shown = benchbox(*asked, "--format", format).stdout
        assert part in shown
        assert shown.count("efficient-hrnet-w32") == 1


def test_models_without_a_word_is_the_list(benchbox: Call) -> None:
    assert benchbox("models").stdout == benchbox("models", "list").stdout != ""


def test_an_unknown_network_is_one_line(benchbox: Call) -> None:
    done = benchbox("models", "list", "hrnet-w32", "simple-baselin-r50")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'benchbox: error: simple-baselin-r50: unknown network; did you mean "simple-baseline-r50"?\n'
    )


def test_every_entry_is_whole() -> None:
    names = [network.name for network in networks()]
    assert len(set(names)) == len(names)
    for network in networks():
        assert source_of(network)
        assert network.listed
        for one in network.listed:
            job = network.job(one.dataset, one.input)
            assert job.model.colour == ("bgr" if network.name.startswith("simple-baseline") else "rgb")
            assert all(note_of(key) for key in one.notes)


def test_an_input_that_a_network_cannot_take_is_one_line() -> None:
    (hourglass,) = networks(["hourglass-4"])
    with pytest.raises(InvalidInput, match="hourglass-4 at 384x288: hourglass needs sides divisible by 64"):
        hourglass.job("coco", (384, 288))
