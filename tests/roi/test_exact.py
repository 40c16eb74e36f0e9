"""The exact average: what RoIAlign approaches, and what quadrature finds."""

from itertools import pairwise

import pytest
import torch

from minseg.roi import bilinear_sample, roi_align
from minseg.roi.exact import roi_average

FEATURES = torch.randn(2, 3, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
ROIS = torch.tensor(
    [[0, 1.3, 2.2, 7.7, 6.1], [1, -3, -2, 14, 12], [1, 9.5, 0.1, 13, 4]], dtype=torch.float64
)


def test_is_the_limit_of_roi_align():
    """The error of n midpoint samples falls at least as 1/n, border jumps included."""
    exact = roi_average(FEATURES, ROIS, 3, 0.8)
    coarse, fine = (
        (roi_align(FEATURES, ROIS, 3, 0.8, n, aligned=True) - exact).abs().max() for n in (20, 200)
    )
    assert fine < 2e-3 and fine < coarse / 5


def test_equals_quadrature_inside_the_map():
    """Simpson's rule is exact on each bilinear cell: cut the bin at every grid line."""
    box = torch.tensor([[0, 2.8, 3.1, 5.9, 6.4]], dtype=torch.float64)

    def simpson(low, high):
        cuts = [low, *[c for c in range(20) if low < c < high], high]
        points, weights = [], []
        for a, b in pairwise(cuts):
            points += [a, (a + b) / 2, b]
            weights += [(b - a) / 6, 4 * (b - a) / 6, (b - a) / 6]
        return torch.tensor(points).double(), torch.tensor(weights).double() / (high - low)

    (x, wx), (y, wy) = simpson(2.3, 5.4), simpson(2.6, 5.9)  # half a pixel less: index coordinates
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    values = bilinear_sample(FEATURES[0], grid_x.flatten(), grid_y.flatten()).view(
        3, len(y), len(x)
    )
    expected = torch.einsum("cyx,y,x->c", values, wy, wx)
    torch.testing.assert_close(
        roi_average(FEATURES, box, 1)[0, :, 0, 0], expected, atol=1e-6, rtol=0
    )


def test_a_point_is_the_surface_itself():
    box = torch.tensor([[0, 3.25, 4.5, 3.25, 4.5]], dtype=torch.float64)
    expected = bilinear_sample(FEATURES[0], box[0, 1:2] - 0.5, box[0, 2:3] - 0.5)
    torch.testing.assert_close(roi_average(FEATURES, box, 1)[0, :, 0], expected)


@pytest.mark.parametrize("value", [torch.inf, -torch.inf, torch.nan])
def test_a_weight_of_0_reads_nothing(value):
    features = FEATURES.clone()
    features[:, :, 7:] = value
    rois = torch.tensor([[0, 1.3, 2.2, 7.7, 6.1], [1, 1, 1, 9, 9]], dtype=torch.float64)
    got, plain = roi_average(features, rois, 2), roi_average(FEATURES, rois, 2)
    assert torch.equal(got[0], plain[0]) and torch.equal(got[1, :, 0], plain[1, :, 0])
    read = got[1, :, 1]
    assert read.isnan().all() if value != value else (read == value).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_averaged_in_float32(dtype):
    features = FEATURES.to(dtype)
    exact = roi_average(features.float(), ROIS.float(), 3)
    assert torch.equal(roi_average(features, ROIS.float(), 3), exact.to(dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(roi_average(features.float(), ROIS.float(), 3), exact)
