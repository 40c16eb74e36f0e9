"""The experiments of units 11 to 13, where their outcome is known beforehand."""

import numpy as np
import pytest
import torch
from helpers.seeded import seeded

from minseg.experiments.representation_limits import (
    bspline_error,
    fit_logarithm,
    fit_power,
    fourier_error,
    grid_limits,
    multiplications,
    reach,
    reaches,
    shrunk_iou,
    smooth_curve,
    smooth_masks,
    square_curve,
)
from minseg.experiments.representations import parts_and_holes, specimen
from minseg.masks import signed_distance


def test_a_power_law_is_found_and_a_logarithm_too() -> None:
    m = np.array([7, 14, 28, 56, 112])
    exponent, law = fit_power(m, 3 / m)
    assert exponent == pytest.approx(-1) and law(300) == pytest.approx(0.01)
    assert fit_logarithm(m, 2 - 0.3 * np.log(m))(448) == pytest.approx(2 - 0.3 * np.log(448))


def test_as_many_cells_as_pixels_lose_nothing() -> None:
    mask = torch.zeros(1, 40, 40, dtype=torch.bool)
    mask[0, 4:36, 4:36] = torch.rand(32, 32, generator=seeded(0)) > 0.4
    mask[0, 4, 4:36] = mask[0, 35, 4:36] = mask[0, 4:36, 4] = mask[0, 4:36, 35] = True
    for binary in (True, False):
        missed, edge = grid_limits(mask, [8, 32], binary=binary)
        assert missed[0] > 0.01 and missed[1] == 0 and edge[1] == 1


def test_smooth_masks_are_smooth() -> None:
    masks = smooth_masks(3)
    assert all(parts_and_holes(mask) == (1, 0) for mask in masks)
    assert not torch.equal(masks[0], masks[1])


def test_multiplications_of_known_layers() -> None:
    assert multiplications(torch.nn.Linear(30, 7), 30) == 210
    conv = torch.nn.Conv2d(4, 5, 3, padding=1)
    assert multiplications(conv, 4, 6, 8) == 6 * 8 * 9 * 4 * 5


def test_curves_at_their_last_harmonic_and_at_corners() -> None:
    assert fourier_error(smooth_curve(480), 6) < 1e-9 < 0.4 < fourier_error(smooth_curve(480), 5)
    square = [fourier_error(square_curve(), K) for K in (4, 8, 16, 32)]
    assert square == pytest.approx([7.0, 3.6, 1.8, 0.9], abs=0.05)
    assert bspline_error(smooth_curve(), 24) > 12 * bspline_error(smooth_curve(), 48)
    assert bspline_error(square_curve(), 24) == pytest.approx(
        2 * bspline_error(square_curve(), 48), rel=0.01
    )


def test_half_a_plane_survives_as_distances_and_not_as_samples() -> None:
    for column in range(33, 40):  # wherever in the coarse cell the border lies
        mask = (torch.arange(96) < column).expand(1, 96, 96)
        assert shrunk_iou(mask, signed_distance(mask), 0) == 1
    assert shrunk_iou(mask, mask.float(), 0.5) < 1


def test_reach_counts_what_moves() -> None:
    def read(numbers: torch.Tensor) -> torch.Tensor:  # four points, of which two follow number 1
        return torch.stack([numbers[0], numbers[1], numbers[1], numbers[2]])[:, None]

    assert reach(read, torch.zeros(3)) == 0.5


def test_a_control_moves_four_of_sixteen_segments_and_a_corner_two_sides() -> None:
    found = reaches(specimen("coin"))
    assert found["16 control points"] == pytest.approx(4 / 16, abs=0.005)
    assert found["16 corners"] == pytest.approx(2 / 16, abs=0.005)
    assert found["17 Fourier coefficients"] == 1
    assert found["14 × 14 area shares"] < 4 / 14**2
