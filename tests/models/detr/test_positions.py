"""Positions: by hand, alike in images of all sizes, and near where places are near."""

import pytest
import torch

from minseg.models.detr.positions import cell_centres, real_cells, sine_code, spread


def test_by_hand():
    """The first wave is a quarter of an image, so a sixteenth is a quarter of the wave."""
    code = sine_code(torch.tensor([[1 / 16, 0.0]]), 8)
    later = 2 * torch.pi / (16 * 0.25 * 20**0.5)  # the second wave is √20 times as long
    x = [1.0, torch.tensor(later).sin().item(), 0.0, torch.tensor(later).cos().item()]
    torch.testing.assert_close(code[0], torch.tensor([*x, 0.0, 0.0, 1.0, 1.0]), atol=1e-6, rtol=0)


def test_products_depend_on_the_distance_and_are_largest_at_none():
    line = torch.stack([torch.arange(40) / 40, torch.full((40,), 0.3)], dim=1)
    products = sine_code(line, 64) @ sine_code(line, 64).T
    for step in range(40):
        diagonal = products.diagonal(step)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=0)
    torch.testing.assert_close(products.diagonal(), torch.full((40,), 32.0))
    assert (products.argmax(dim=1) == torch.arange(40)).all()


def test_every_cell_has_a_code_of_its_own():
    points = cell_centres(torch.tensor([[256, 256]]), (32, 32), 8).flatten(0, 2)
    codes = sine_code(points, 64)
    apart = torch.cdist(codes, codes) + 99 * torch.eye(len(codes))
    assert apart.min() > 0.3


def test_places_are_shares_of_each_image():
    centres = cell_centres(torch.tensor([[16, 32], [8, 20]]), (2, 4), 8)
    assert centres[0, 0, :, 0].tolist() == [0.125, 0.375, 0.625, 0.875]
    assert centres[1, 0, :2].tolist() == [pytest.approx([0.2, 0.5]), pytest.approx([0.6, 0.5])]
    assert (centres[1, 1, :, 1] > 1).all()  # below the second image


@pytest.mark.parametrize(
    ("size", "cells"), [((16, 32), 8), ((9, 32), 8), ((8, 32), 4), ((1, 1), 1)]
)
def test_a_cell_with_a_pixel_is_real(size, cells):
    real = real_cells(torch.tensor([size]), (2, 4), 8)
    assert real.shape == (1, 8) and real.sum() == cells and real[0, 0]


@pytest.mark.parametrize("points", [1, 2, 7, 20, 100])
def test_points_are_spread(points):
    """No two are nearer than half of what a square grid of as many would have."""
    where = spread(points)
    apart = torch.cdist(where, where) + 9 * torch.eye(points)
    assert where.shape == (points, 2) and (where > 0).all() and (where < 1).all()
    assert points == 1 or apart.min() > 0.5 / points**0.5


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="channels must be a multiple of 4, got 6"):
        sine_code(torch.zeros(1, 2), 6)
