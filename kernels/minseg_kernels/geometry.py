"""Where a RoI reads: the arithmetic that every RoIAlign kernel shares.

Per axis, bin p of a box has n samples, regularly spaced, and each lies between two pixels:

    t = start + (p + (s + ½)/n) · bin        low = ⌊t⌋, high = low + 1        (s = 0 … n - 1)

with weights 1 - (t - low) and t - low, over n. The border rules are those of `minseg.roi.align`:
a sample outside [-1, L], for L pixels, weighs nothing but counts in n; a nearer one is clamped to
the border. Forward kernels go from a bin to its pixels (`axis_sample`); the deterministic backward
goes from a pixel to the bins that read it, with the same weights seen from the other side:

    weight of pixel j = (1/n) Σ_s max(0, 1 - |j - t_s|)                        (`pixel_weights`)

These are device functions: kernels call them, and they are inlined there. A loop whose end is
known only on the GPU is written as `while`: the interpreter of Triton 3.6 cannot count a `range`
up to a tensor when NumPy is 2.4 or newer. (Unit 24.)
"""

import triton
import triton.language as tl


@triton.jit
def pick(values, level):
    """values[level], where only the GPU knows the level: a chain of selects, no branch."""
    value = values[0]
    for i in tl.static_range(1, len(values)):
        value = tl.where(level == i, values[i], value)
    return value


@triton.jit
def pick_size(values, level):
    """As `pick`, for the whole numbers that `launch.sizes` sends as float32."""
    return pick(values, level).to(tl.int32)


@triton.jit
def box_edges(rois, k, scale, PH: tl.constexpr, PW: tl.constexpr, ALIGNED: tl.constexpr):
    """RoI k, or a vector of them: image, y start, bin height, x start, bin width; feature pixels.

    `div_rn` rounds as IEEE says. The plain `/` may be off by one unit in the last place on a GPU,
    and then a bin of exactly 2 px could be told to take ⌈2.0000002⌉ = 3 samples.
    """
    shift: tl.constexpr = 0.5 if ALIGNED else 0.0
    roi = rois + k * 5
    x1 = tl.load(roi + 1) * scale - shift
    y1 = tl.load(roi + 2) * scale - shift
    w = tl.load(roi + 3) * scale - shift - x1
    h = tl.load(roi + 4) * scale - shift - y1
    if not ALIGNED:
        w = tl.maximum(w, 1.0)
        h = tl.maximum(h, 1.0)
    bin_h = tl.div_rn(h, tl.zeros_like(h) + PH)
    bin_w = tl.div_rn(w, tl.zeros_like(w) + PW)
    return tl.load(roi).to(tl.int32), y1, bin_h, x1, bin_w


@triton.jit
def sample_position(start, bin, p, s, n, L):
    """Sample s of bin p, clamped to the map, and its share of the mean: 1/n, or 0 outside."""
    t = start + p * bin + (s + 0.5) * bin / n
    live = (t >= -1.0) & (t <= L)
    t = tl.where(live, tl.minimum(tl.maximum(t, 0.0), L - 1.0), 0.0)
    return t, tl.where(live, 1.0 / n, 0.0)


@triton.jit
def axis_sample(start, bin, p, s, n, L):
    """From a sample to its pixels: low, high, and the weight of each."""
    t, share = sample_position(start, bin, p, s, n, L)
    low = t.to(tl.int32)  # t ≥ 0, so cutting off is the floor
    right = (t - low) * share
    return low, tl.minimum(low + 1, L - 1), share - right, right


@triton.jit
def adaptive_samples(bin):
    """⌈bin⌉, what a bin takes where the sampling ratio is 0.

    A bin that runs backwards takes none. Nor does one of more than 2²⁴ px, or of NaN: float32
    cannot say where its samples would be.
    """
    return tl.where((bin > 0.0) & (bin <= 16777216.0), tl.ceil(bin), 0.0).to(tl.int32)


@triton.jit
def samples_within(low, high, start, bin, p, n):
    """First and last + 1 of the samples of bin p that can lie in [low, high]; where n = 0, none.

    Generous by a sample each way, for the rounding: those weigh nothing. So a wild box loops over
    as many samples as the map has room for, and no more.
    """
    step = tl.where(n > 0, bin, 1.0) / tl.maximum(n, 1)
    edge = start + p * bin
    first = tl.floor((low - edge) / step - 1.5)
    last = tl.ceil((high - edge) / step + 1.5)
    first = tl.minimum(tl.maximum(first, 0.0), n * 1.0)
    last = tl.minimum(tl.maximum(last, 0.0), n * 1.0)
    return first.to(tl.int32), last.to(tl.int32)


@triton.jit
def pixel_weights(first, PIXELS: tl.constexpr, start, bin, p, L, S: tl.constexpr):
    """From PIXELS neighbouring pixels, beginning at `first`, to their weights in bin p."""
    pixel = first + tl.arange(0, PIXELS).to(tl.float32)
    weight = tl.zeros([PIXELS], tl.float32)
    if S > 0:
        for s in tl.static_range(S):
            t, share = sample_position(start, bin, p, s, S, L)
            weight += share * tl.maximum(1.0 - tl.abs(pixel - t), 0.0)
    else:
        n = adaptive_samples(bin)
        s, end = samples_within(first - 1.0, first + PIXELS, start, bin, p, n)
        while s < end:
            t, share = sample_position(start, bin, p, s, n, L)
            weight += share * tl.maximum(1.0 - tl.abs(pixel - t), 0.0)
            s += 1
    return weight


@triton.jit
def reach(start, extent):
    """How far from a sample a pixel may be and still have weight: 1, and room for rounding."""
    return 1.01 + 1e-6 * (tl.abs(start) + tl.abs(extent))


@triton.jit
def bins_within(low, high, start, bin, P: tl.constexpr):
    """First and last + 1 of the bins with samples near pixels low to high; inverted boxes too."""
    room = reach(start, bin * P)
    width = tl.where(bin == 0.0, 1e-9, bin)
    a = (low - room - start) / width
    b = (high + room - start) / width
    first = tl.minimum(tl.maximum(tl.floor(tl.minimum(a, b)), 0.0), P * 1.0)
    last = tl.maximum(tl.minimum(tl.floor(tl.maximum(a, b)), P - 1.0), -1.0)
    return first.to(tl.int32), last.to(tl.int32) + 1
