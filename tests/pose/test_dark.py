from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from benchbox.errors import InvalidInput
from benchbox.pose.dark import dark_offset, smoothing_size
from benchbox.pose.heatmap import argmax_positions, decode, quarter_offset

HEIGHT, WIDTH = 64, 48
seeds = st.integers(0, 2**32 - 1)
sigmas = st.sampled_from([1.0, 1.5, 2.0, 3.0])


def bells(places, *, sigma: float, amplitude: float = 1.0) -> np.ndarray:
    """Return exact Gaussians (1, K, H, W) around (K, 2) places in cells."""
    x, y = np.asarray(places, dtype=np.float64).T[:, :, None]
    across = np.exp(-((np.arange(WIDTH) - x) ** 2) / (2 * sigma**2))
    down = np.exp(-((np.arange(HEIGHT) - y) ** 2) / (2 * sigma**2))
    return (amplitude * down[:, :, None] * across[:, None, :]).astype(np.float32)[None]


def read(heatmaps: np.ndarray, sigma: float) -> np.ndarray:
    return dark_offset(heatmaps, argmax_positions(heatmaps)[0], sigma=sigma)


def test_the_official_kernels():
    assert {sigma: smoothing_size(sigma) for sigma in (2.0, 3.0)} == {2.0: 11, 3.0: 17}
    for sigma in np.linspace(0.25, 6, 24):
        size = smoothing_size(sigma)
        assert size % 2 == 1
        assert size >= 3
        deviation = [0.3 * ((n - 1) / 2 - 1) + 0.8 for n in (size - 2, size, size + 2)]  # as OpenCV documents it
        assert abs(deviation[1] - sigma) <= abs(deviation[2] - sigma) + 1e-9
        assert size == 3 or abs(deviation[1] - sigma) <= abs(deviation[0] - sigma) + 1e-9


@given(seed=seeds, sigma=sigmas)
def test_an_exact_gaussian_is_found_within_a_hundredth_of_a_cell(seed, sigma):
    margin = np.array([3 * sigma, 3 * sigma])
    places = np.random.default_rng(seed).uniform(margin, (WIDTH - 1, HEIGHT - 1) - margin, (17, 2))
    heatmaps = bells(places, sigma=sigma)
    assert np.abs(read(heatmaps, sigma)[0] - places).max() < 0.01


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.4])
def test_a_slanted_gaussian_is_found_too(lean):
    places = np.random.default_rng(1).uniform((16, 16), (WIDTH - 17, HEIGHT - 17), (50, 2))
    x, y = np.arange(WIDTH) - places[:, :1, None], np.arange(HEIGHT)[:, None] - places[:, 1:, None]
    heatmaps = np.exp(-(x * x / 8 + y * y / 18 - lean * x * y / 6)).astype(np.float32)[None]
    assert np.abs(read(heatmaps, 2.0)[0] - places).max() < 0.01


@pytest.mark.parametrize(("sigma", "size"), [(2.0, 11), (3.0, 17)])
def test_noisy_maps_are_read_as_the_paper_says(sigma, size):
    """Eqs. 6 and 9, joint by joint, with a kernel and a solver of SciPy's and NumPy's own."""
    rng = np.random.default_rng(2)
    heatmaps = bells(rng.uniform((6, 6), (40, 56), (40, 2)), sigma=sigma)
    heatmaps += rng.normal(0, 0.05, heatmaps.shape).astype(np.float32)
    positions, _ = argmax_positions(heatmaps)
    bell = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * (0.15 * size + 0.35) ** 2))
    kernel = np.outer(bell, bell) / bell.sum() ** 2
    expected = positions.astype(np.float64)
    for joint, (x, y) in enumerate(positions[0].astype(int)):
        smooth = scipy.ndimage.correlate(heatmaps[0, joint].astype(np.float64), kernel, mode="constant")
        log = np.log(np.maximum(smooth / smooth.max(), 1e-10))
        slope_y, slope_x = np.gradient(log)
        (down, mixed), (_, across) = np.gradient(slope_y), np.gradient(slope_x)
        hessian = np.array([[across[y, x], mixed[y, x]], [mixed[y, x], down[y, x]]])
        expected[0, joint] -= np.linalg.solve(hessian, [slope_x[y, x], slope_y[y, x]])
    np.testing.assert_allclose(read(heatmaps, sigma), expected, rtol=0, atol=1e-3)


def test_the_quarter_offset_is_much_coarser():
    places = np.random.default_rng(0).uniform(10, 37, (500, 2))
    heatmaps = bells(places, sigma=2.0)
    coarse = quarter_offset(heatmaps, argmax_positions(heatmaps)[0])
    assert 0.2 < np.abs(coarse[0] - places).max() <= 0.3
    assert np.abs(read(heatmaps, 2.0)[0] - places).max() < 0.001


@given(seed=seeds, exponent=st.integers(-60, 60), amplitude=st.floats(1e-6, 1e6))
def test_the_amplitude_does_not_matter(seed, exponent, amplitude):
    rng = np.random.default_rng(seed)
    heatmaps = bells(rng.uniform(4, 40, (5, 2)), sigma=2.0) + rng.uniform(0, 0.05, (1, 5, HEIGHT, WIDTH)).astype("f4")
    found = read(heatmaps, 2.0)
    np.testing.assert_array_equal(read(heatmaps * np.float32(2.0**exponent), 2.0), found)
    np.testing.assert_allclose(read(heatmaps * np.float32(amplitude), 2.0), found, rtol=0, atol=1e-3)


def test_a_peak_within_two_cells_of_the_border_stays():
    for x, y in ((0, 20), (1, 20), (20, 0), (20, 1), (WIDTH - 2, 20), (WIDTH - 1, 20), (20, HEIGHT - 2)):
        assert read(bells([(x + 0.1, y - 0.1)], sigma=2.0), 2.0)[0, 0].tolist() == [x, y]
    for x, y in ((2, 20), (WIDTH - 3, 20), (20, 2), (20, HEIGHT - 3)):
        assert read(bells([(x + 0.1, y - 0.1)], sigma=2.0), 2.0)[0, 0].tolist() != [x, y]


def test_a_step_out_of_the_map_is_not_taken():
    heatmaps = np.zeros((1, 1, HEIGHT, WIDTH), np.float32)
    heatmaps[0, 0, 20, 3] = 1.0
    heatmaps[0, 0, 10:30, 8:40] = 0.9  # smoothed, the slope at the peak rises towards the plateau, and is convex
    positions, _ = argmax_positions(heatmaps)
    assert positions[0, 0].tolist() == [3, 20]
    assert read(heatmaps, 2.0)[0, 0].tolist() == [3, 20]


@given(
    seed=seeds,
    kind=st.sampled_from(["random", "signed", "constant", "zero", "negative", "impulse", "huge", "tiny"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    sigma=sigmas,
)
def test_every_finite_map_has_a_finite_place_on_it(seed, kind, size, sigma):
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 1, (2, 3, *size)).astype(np.float32)
    impulse = np.where(noise == noise.max(axis=(-2, -1), keepdims=True), np.float32(1), np.float32(-1))
    heatmaps = {
        "random": noise,
        "signed": noise - np.float32(0.5),
        "constant": np.full_like(noise, 0.3),
        "zero": np.zeros_like(noise),
        "negative": -noise - np.float32(0.1),
        "impulse": impulse,
        "huge": noise * np.float32(1e36),
        "tiny": noise * np.float32(1e-42),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(heatmaps, sigma)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= (size[1] - 1, size[0] - 1)).all()
    if kind in ("constant", "zero", "negative"):
        assert not found.any()
    if kind == "impulse":  # smoothed, it is below 0 all over
        np.testing.assert_array_equal(found, argmax_positions(heatmaps)[0])


def test_decoding_takes_dark_and_no_unknown_word():
    heatmaps = bells([(20.3, 30.4)], sigma=2.0)
    center, scale = np.array([[100.0, 80.0]]), np.array([[0.48, 0.64]])  # two pixels to a cell
    points, confidence = decode(heatmaps, center, scale, refine="dark", sigma=2.0)
    np.testing.assert_allclose(points[0, 0], [100 + (20.3 - 24) * 2, 80 + (30.4 - 32) * 2], rtol=0, atol=0.01)
    assert confidence[0, 0] == heatmaps.max()
    with pytest.raises(InvalidInput, match='refine = "quater"; did you mean "quarter"'):
        decode(heatmaps, center, scale, refine="quater")
