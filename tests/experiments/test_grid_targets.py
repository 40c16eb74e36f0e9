"""What a grid can reach: rounding costs where a grid is read between cells, and only there."""

import pytest
import torch

from minseg.experiments.grid_targets import WAYS, four_ways, grid_error, print_ways
from minseg.experiments.representation_limits import smooth_masks

SIZES = (14, 28)


@pytest.fixture(scope="module")
def errors():
    return four_ways(smooth_masks(2), SIZES)


def test_rounding_costs_nothing_with_a_nearest_paste(errors):
    assert errors["rounded, nearest"] == errors["shares, nearest"]


def test_and_several_times_the_error_with_a_bilinear_one(errors):
    for rounded, share in zip(errors["rounded, bilinear"], errors["shares, bilinear"], strict=True):
        assert 2.5 < rounded / share < 6


def test_twice_the_cells_is_about_half_the_error(errors):
    for name, (coarse, fine) in errors.items():
        assert 1.6 < coarse / fine < 2.5, name


def test_cells_as_fine_as_pixels_lose_nothing():
    square = torch.zeros(1, 16, 16, dtype=torch.bool)
    square[:, 4:12, 4:12] = True
    for rounded, mode in WAYS.values():
        if mode == "nearest":  # a bilinear paste rounds the corners of a full box
            assert grid_error(square, 8, rounded=rounded, mode=mode) == 0


def test_the_table_has_a_row_for_each_way(errors, capsys):
    print_ways(errors, SIZES)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:20].strip() for line in lines[1:]] == list(WAYS)
    assert lines[0].split()[-2:] == ["=", "28"]
