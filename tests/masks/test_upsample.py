"""Doubling: equal to PyTorch's three ways, and the checkerboard where strides leave overlaps."""

import pytest
import torch
from torch.nn import functional

from minseg.masks import deconvolution_overlap, deconvolve, upsample


@pytest.mark.parametrize("shape", [(2, 3, 7, 5), (1, 1, 1, 1), (1, 2, 2, 9)])
def test_equals_interpolate(shape):
    grids = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(upsample(grids, "nearest"), functional.interpolate(grids, scale_factor=2))
    expected = functional.interpolate(grids, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(upsample(grids), expected)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_equals_conv_transpose(kernel, stride):
    generator = torch.Generator().manual_seed(kernel)
    grids = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    weight = torch.rand(3, 6, kernel, kernel, generator=generator, dtype=torch.float64)
    expected = functional.conv_transpose2d(grids, weight, stride=stride)
    torch.testing.assert_close(deconvolve(grids, weight, stride), expected)


@pytest.mark.parametrize(
    ("kernel", "inner"), [(2, {1}), (3, {1, 2, 4}), (4, {4}), (5, {4, 6, 9}), (6, {9})]
)
def test_checkerboard_where_the_stride_does_not_divide_the_kernel(kernel, inner):
    """Away from the border, where fewer blocks reach, writes are even or a checkerboard."""
    writes = deconvolution_overlap(8, kernel, 2)
    assert writes.shape == (14 + kernel, 14 + kernel) and writes.dtype == torch.int64
    assert writes.sum() == 64 * kernel**2
    assert set(writes[kernel:-kernel, kernel:-kernel].flatten().tolist()) == inner


def test_a_nearest_neighbour_is_a_deconvolution_of_ones():
    grids = torch.rand(1, 1, 4, 6)
    assert torch.equal(deconvolve(grids, torch.ones(1, 1, 2, 2)), upsample(grids, "nearest"))


GRIDS = torch.ones(1, 3, 4, 4)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (r"grids must be \(N, C, h, w\), got \(3, 4, 4\)", lambda: upsample(GRIDS[0])),
        ("mode must be", lambda: upsample(GRIDS, "cubic")),
        (r"weight must be \(3, C_out, k, k\), got \(2, 3, 2, 2\)",
         lambda: deconvolve(GRIDS, torch.ones(2, 3, 2, 2))),
        (r"weight must be", lambda: deconvolve(GRIDS, torch.ones(3, 3, 2, 1))),
        ("stride must be 1 or more, got 0", lambda: deconvolve(GRIDS, torch.ones(3, 1, 2, 2), 0)),
        ("with pixels", lambda: deconvolve(GRIDS[:, :, :0], torch.ones(3, 1, 2, 2))),
    ],
)  # fmt: skip
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call()
