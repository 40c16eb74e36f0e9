"""Circles end on the outline that they draw; crossings are where inside and outside change."""

import pytest
import torch

from minseg.draw.outline_arrows import nearest_points, ring_points
from minseg.draw.outlines import arms, crossings
from minseg.experiments.representations import ring_of, specimen
from minseg.masks import fourier_descriptor, from_fourier, from_polygons
from minseg.metrics.surface import surface_distances


def test_the_last_arm_ends_on_the_curve():
    descriptor = fourier_descriptor(ring_of(specimen("star")), 5)
    for k, (x, y) in enumerate(from_fourier(descriptor, 7).tolist()):
        tip = arms(descriptor, k / 7)[-1].item()
        assert (tip.real, tip.imag) == pytest.approx((x, y))


def test_crossings_are_where_the_filled_row_changes():
    star = torch.tensor([[10.0, 1.0], [15.5, 18.2], [1.2, 7.0], [18.8, 7.3], [4.3, 18.6]])
    mask = from_polygons([star], 20, 20)
    for row in range(20):
        inside = [sum(x <= j + 0.5 for x in crossings(star, row + 0.5)) % 2 == 1 for j in range(20)]
        assert mask[row].tolist() == inside


def test_arrows_are_the_distances_of_surfaces():
    a, b = specimen("coin"), specimen("disc")
    points = ring_points(a)
    lengths = (nearest_points(points, ring_points(b)) - points).norm(dim=1)
    there, _ = surface_distances(a, b)
    torch.testing.assert_close(lengths, there)
