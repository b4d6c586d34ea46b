from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchbox.pose.augment import draw, flip_points, half_body
from benchbox.pose.skeleton import COCO17
from tests.parity.golden import FOLDER, cases

STATISTICS = json.loads((FOLDER / "augment_stats.json").read_text())
DRAWS = 20_000


@pytest.mark.parametrize("case", cases("flip"))
def test_flip_points(case):
    joints, visible = flip_points(
        case["joints"][:, :2], case["joints_vis"][:, 0], width=int(case["image_width"]), pairs=case["pairs"]
    )
    np.testing.assert_array_equal(joints, case["joints_flipped"][:, :2])
    np.testing.assert_array_equal(visible, case["joints_vis_flipped"][:, 0])


@pytest.mark.parametrize("prefer", ["upper", "lower"])
@pytest.mark.parametrize("case", cases("half_body"))
def test_half_body(case, prefer):
    found = half_body(
        case["joints"],
        case["joints_vis"][:, 0],
        upper_body=COCO17.upper_body,
        prefer_upper=prefer == "upper",
        aspect_ratio=float(case["aspect_ratio"]),
    )
    assert (found is not None) == bool(case[f"ok_{prefer}_draw"])
    if found is not None:
        np.testing.assert_allclose(found[0], case[f"center_{prefer}_draw"], rtol=0, atol=1e-3)
        np.testing.assert_allclose(found[1], case[f"scale_{prefer}_draw"], rtol=0, atol=1e-3)


def close(found: float, expected: float, samples: float) -> bool:
    """Tell whether a frequency is within four binomial standard errors of the expected one."""
    return abs(found - expected) <= 4 * math.sqrt(max(expected * (1 - expected), 1e-9) / samples)


@pytest.mark.parametrize("official", STATISTICS["augmentation"], ids=["hrnet", "resnet"])
def test_draws_follow_the_official_distributions(official):
    rotate, rescale = official["rotation_factor"], official["scale_factor"]
    rng = np.random.Generator(np.random.Philox(key=7))
    drawn = [
        draw(
            rng,
            rotate=rotate,
            rescale=rescale,
            flip_probability=0.5,
            half_body_probability=official["prob_half_body"],
        )
        for _ in range(DRAWS)
    ]
    rotation = np.array([d.rotation for d in drawn])
    turned = rotation[rotation != 0]
    scale = np.array([d.scale for d in drawn])
    both = 1 / (1 / DRAWS + 1 / official["n"])  # two measured frequencies differ by both errors

    def frequency(values: list[bool]) -> float:
        return float(np.mean(values))

    assert close(frequency([d.half_body for d in drawn]), official["prob_half_body"], DRAWS)
    assert close(frequency([d.half_body for d in drawn]), official["frac_half_body"], both)
    assert close(frequency([d.upper for d in drawn]), 0.691462, DRAWS)
    assert close(frequency([d.flip for d in drawn]), official["frac_flip"], both)
    assert close(float(np.mean(rotation == 0)), official["frac_rotation_zero"], both)
    assert close(float(np.mean(rotation == 0)), 0.4, DRAWS)
    assert np.abs(rotation).max() == official["rot_abs_max"]
    assert close(float(np.mean(np.abs(turned) == 2 * rotate)), 0.0455, len(turned))
    assert turned.std() == pytest.approx(official["rot_nonzero_std"], rel=0.05)
    low, high = 1 - rescale, 1 + rescale
    assert scale.min() == low
    assert scale.max() == high
    assert close(float(np.mean((scale == low) | (scale == high))), 0.3173, DRAWS)
    assert scale.mean() == pytest.approx(official["scale_mean"], abs=4 * official["scale_std"] / math.sqrt(both))
    assert scale.std() == pytest.approx(official["scale_std"], rel=0.05)
