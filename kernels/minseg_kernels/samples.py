"""All samples of one output row of a RoI, visited once each: the loop of forward and backward.

RoIAlign's forward and its gradient walk the same pixels with the same weights; one reads a pixel,
the other adds to it. So the walk is written once, and what to do with a pixel, the `tap`, is
handed in: a function as a compile-time argument costs nothing at run time.

A row of bins is walked at once. The y side of a sample is a number, its x side a vector with one
entry for each bin, padded to a power of two (BINS); channels are the second axis, one lane each:

    tap(value (BINS, LANES), pixels (BINS, LANES) of pointers, weight (BINS,), inside) → value

With S ≥ 1 the loops are unrolled, and nothing in them depends on what was read before: a GPU puts
all 16 loads of 2 × 2 samples in flight together. With S = 0 the number of samples depends on the
RoI, and the loops stay loops. (Unit 24.)
"""

import triton
import triton.language as tl

from minseg_kernels.geometry import adaptive_samples, axis_sample, samples_within


@triton.jit
def walk_samples(
    tap: tl.constexpr,
    value,
    image,  # pointer to channel lanes (1, LANES) of pixel (0, 0)
    inside,  # (1, LANES), which lanes are channels
    y_start,
    bin_h,
    p,
    x_start,
    bin_w,
    H,
    W,
    C: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    BINS: tl.constexpr,
):
    """Visit the samples of bins (p, 0) … (p, PW - 1); returns what the last tap returned."""
    q = tl.arange(0, BINS)
    if S > 0:
        for sy in tl.static_range(S):
            y = axis_sample(y_start, bin_h, p, sy, S, H)
            for sx in tl.static_range(S):
                x = axis_sample(x_start, bin_w, q, sx, S, W)
                value = tap_four(tap, value, image, inside, y, x, q < PW, W, C)
    else:
        ny, nx = adaptive_samples(bin_h), adaptive_samples(bin_w)
        sy, y_end = samples_within(-1.0, H, y_start, bin_h, p, ny)
        first, last = samples_within(-1.0, W, x_start, bin_w, q, nx)
        most = tl.max(last - first, 0)
        while sy < y_end:
            y = axis_sample(y_start, bin_h, p, sy, tl.maximum(ny, 1), H)
            i = 0
            while i < most:
                sx = first + i
                x = axis_sample(x_start, bin_w, q, sx, tl.maximum(nx, 1), W)
                value = tap_four(tap, value, image, inside, y, x, (q < PW) & (sx < nx), W, C)
                i += 1
            sy += 1
    return value


@triton.jit
def tap_four(tap: tl.constexpr, value, image, inside, y, x, counts, W, C: tl.constexpr):
    """The four pixels around one sample of each bin, of those bins where it counts."""
    y0, y1, wy0, wy1 = y  # numbers
    x0, x1, wx0, wx1 = x  # vectors, one entry for each bin
    wx0, wx1 = tl.where(counts, wx0, 0.0), tl.where(counts, wx1, 0.0)
    value = tap(value, image + ((y0 * W + x0) * C)[:, None], wy0 * wx0, inside)
    value = tap(value, image + ((y0 * W + x1) * C)[:, None], wy0 * wx1, inside)
    value = tap(value, image + ((y1 * W + x0) * C)[:, None], wy1 * wx0, inside)
    return tap(value, image + ((y1 * W + x1) * C)[:, None], wy1 * wx1, inside)
