"""The exact average: what RoIAlign approaches, and what quadrature finds."""

from itertools import pairwise

import pytest
import torch
from helpers.rois import rois_of
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.roi import bilinear_sample, roi_align, roi_average, roi_average_loop

FEATURES = torch.randn(2, 3, 9, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
ROIS = torch.tensor(
    [[0, 1.3, 2.2, 7.7, 6.1], [1, -3, -2, 14, 12], [1, 9.5, 0.1, 13, 4]], dtype=torch.float64
)


ROW = torch.tensor([[[[0.0, 1.0, 4.0, 9.0]]]], dtype=torch.float64)
BY_HAND = {  # index x from … to …, in two bins: the mean of the surface over each
    (0.0, 2.0): [0.5, 2.5],  # on a straight piece the mean is the middle's value
    (0.5, 2.5): [1.25, 4.25],  # half a straight piece each: (0.75 + 1.75) / 2, (3.25 + 5.25) / 2
    (2.5, 4.5): [8.375, 4.5],  # (7.75 + 9) / 2; the border's value up to 4, then 0
    (1.5, 1.5): [2.5, 2.5],  # a point
    (2.0, 0.0): [2.5, 0.5],  # backwards
    (7.0, 9.0): [0.0, 0.0],
}


@pytest.mark.parametrize("function", [roi_average, roi_average_loop])
@pytest.mark.parametrize("stretch", BY_HAND, ids=str)
def test_by_hand(function, stretch):
    low, high = stretch
    box = torch.tensor([[0, low + 0.5, 0.5, high + 0.5, 0.5]], dtype=torch.float64)
    out = function(ROW, box, (1, 2))
    assert out.flatten().tolist() == pytest.approx(BY_HAND[stretch])


COORDINATE = st.integers(-20, 40).map(lambda quarter: quarter / 4)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(*[COORDINATE] * 4), max_size=2),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.booleans(),
)
def test_equals_the_definition(boxes, shape, size, aligned):
    features = FEATURES[:1, :2, : shape[0], : shape[1]]
    rois = rois_of(boxes, torch.float64)
    fast = roi_average(features, rois, size, 0.5, aligned)
    loop = roi_average_loop(features, rois, size, 0.5, aligned)
    torch.testing.assert_close(fast, loop, atol=1e-12, rtol=0)


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
