"""The exercises of units 11 to 13 accept other right ways, and recognise the common wrong ones."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.draw import polygon2mask

from minseg.course.check import judge
from minseg.course.exercises import find


def by_integration(masks, boxes, size):
    """Area shares from a summed area table, read between its pixels."""
    grids = torch.zeros(len(masks), size, size, dtype=torch.float64)
    for n, (mask, (x1, y1, x2, y2)) in enumerate(zip(masks, boxes.double().tolist(), strict=True)):
        table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1))
        table[1:, 1:] = mask.numpy().cumsum(0).cumsum(1)
        y = np.linspace(y1, y2, size + 1).clip(0, mask.shape[0])
        x = np.linspace(x1, x2, size + 1).clip(0, mask.shape[1])
        corners = ndimage.map_coordinates(table, np.meshgrid(y, x, indexing="ij"), order=1)
        area = np.diff(np.diff(corners, axis=0), axis=1)
        grids[n] = torch.from_numpy(area * size**2 / (x2 - x1) / (y2 - y1))
    return grids


def by_skimage(polygons, height, width):
    """Right inside, another rule on the border."""
    mask = np.zeros((height, width), dtype=bool)
    for polygon in polygons:
        mask |= polygon2mask((height, width), polygon.numpy()[:, ::-1] - 0.5)
    return torch.from_numpy(mask)


def by_inverse_fft(descriptor, samples):
    """The other way to the same points, for samples enough to hold all orders."""
    half, terms = len(descriptor) // 2, max(samples, len(descriptor))
    while terms % samples:
        terms += 1
    spectrum = torch.zeros(terms, dtype=torch.complex128)
    spectrum[: half + 1] = descriptor[half:]
    if half:
        spectrum[-half:] = descriptor[:half]
    z = torch.fft.ifft(spectrum)[:: terms // samples] * terms
    return torch.stack([z.real, z.imag], dim=1)


def by_all_pairs(masks):
    """The definition by torch.cdist."""
    flat = masks.reshape(-1, *masks.shape[-2:])
    points = torch.cartesian_prod(*(torch.arange(float(n)) for n in masks.shape[-2:]))
    found = []
    for mask in flat:
        inside = mask.flatten()
        away = torch.cdist(points, points)
        away[inside[:, None] == inside] = torch.inf
        distance = away.min(dim=1).values - 0.5
        found.append(torch.where(inside, distance, -distance).view(mask.shape))
    return torch.stack(found).view(masks.shape)


@pytest.mark.parametrize(
    ("id", "mine"),
    [
        ("11.to_grid", by_integration),
        ("12.from_fourier", by_inverse_fft),
        ("13.signed_distance", by_all_pairs),
    ],
)
def test_another_right_way_passes(id, mine):
    verdict, solved = judge(find(id), mine)
    assert solved, verdict


def test_another_library_s_border_is_told_as_the_first_difference():
    verdict, solved = judge(find("12.from_polygons"), by_skimage)
    assert not solved and "case 2 of 8" in verdict
