"""Exercises of lesson 05: read between pixels, cut a box both ways, and put RoIAlign together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.align import feature_box, roi_align, sample_positions
from minseg.roi.bilinear import bilinear_sample
from minseg.roi.pool import pool_bins
from minseg.roi.quantisation import round_half_away

# 05.bilinear


def points_to_read(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
    """Fractional and whole coordinates, borders, points outside, a map of one pixel, no points."""
    features = torch.randn(2, 4, 6, generator=generator)
    yield features, torch.tensor([1.25, 3.6, 0.1]), torch.tensor([0.75, 2.5, 1.9])
    yield features, torch.tensor([2.0, 2.0, 4.5]), torch.tensor([1.0, 1.5, 2.0])  # whole numbers
    yield features, torch.tensor([4.7, 5.0, 0.0]), torch.tensor([3.0, 2.4, 0.0])  # last row, column
    yield features, torch.tensor([-0.4, 5.8, 2.5]), torch.tensor([1.5, 0.5, 3.9])  # outside
    tall = torch.randn(7, 3, 1, generator=generator, dtype=torch.float64).permute(2, 0, 1)
    yield tall, torch.tensor([0.5, 1.5]).double(), torch.tensor([4.25, 0.5]).double()
    yield torch.randn(3, 1, 1, generator=generator), torch.tensor([0.0]), torch.tensor([0.0])
    yield features, torch.zeros(0), torch.zeros(0)


def value_and_slope(fn: Callable[..., Tensor], features: Tensor, x: Tensor, y: Tensor) -> tuple:
    """What is read at the points, and how it changes with x and with y."""
    x, y = x.requires_grad_(), y.requires_grad_()
    values = fn(features, x, y)
    if not isinstance(values, Tensor) or not values.requires_grad:  # knows nothing of x
        return values, torch.zeros_like(x), torch.zeros_like(y)
    return values, *torch.autograd.grad(values.sum(), (x, y), materialize_grads=True)


def _read(
    features: Tensor,
    x: Tensor,
    y: Tensor,
    step: Callable[[Tensor], Tensor] = lambda t: t.floor() + 1,
    share: Callable[[Tensor], Tensor] = lambda t: t - t.floor(),
) -> Tensor:
    """Bilinear interpolation with two places to go wrong: the second neighbour, its weight."""
    height, width = features.shape[1:]
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    j, i = x.detach().floor().long(), y.detach().floor().long()
    j2 = step(x.detach()).long().clamp(max=width - 1)
    i2 = step(y.detach()).long().clamp(max=height - 1)
    a, b = share(x), share(y)
    upper = (1 - a) * features[:, i, j] + a * features[:, i, j2]
    return (1 - b) * upper + b * ((1 - a) * features[:, i2, j] + a * features[:, i2, j2])


def swaps_xy(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, y, x)


def uses_ceil(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x, y, step=torch.ceil)


def forgets_half_pixel(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x - 0.5, y - 0.5)


def swaps_weights(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x, y, share=lambda t: 1 - (t - t.floor()))


def nearest_pixel(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = features.shape[1:]
    i = (y.clamp(0, height - 1) + 0.5).floor().long()
    return features[:, i, (x.clamp(0, width - 1) + 0.5).floor().long()]


def zeros_outside(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return bilinear_sample(features, x, y) * inside


def loses_the_gradient(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return bilinear_sample(features, x, y).detach()


BILINEAR = Exercise(
    "05.bilinear",
    reference=bilinear_sample,
    cases=points_to_read,
    probe=value_and_slope,
    hints=(
        "First hold x and y inside the map with clamp. Which four pixels surround (x, y)?",
        "j = x.floor() and a = x - j. The left pixels have the weight 1 - a, the right ones a.",
        "Index as features[:, i, j] with whole numbers, .long(). At the last column there is no "
        "j + 1: clamp it to width - 1.",
    ),
    mistakes={
        "swaps_xy": (
            swaps_xy,
            "Your x walks down the rows. Index as features[:, row, column]: y is the row.",
        ),
        "uses_ceil": (
            uses_ceil,
            "All values are right, and the slope is not: at whole numbers floor and ceil are the "
            "same pixel, so your function is flat there. Take low + 1 for the right neighbour.",
        ),
        "forgets_half_pixel": (
            forgets_half_pixel,
            "You took half a pixel off. Here x and y are index coordinates already: pixel j sits "
            "at x = j.",
        ),
        "swaps_weights": (
            swaps_weights,
            "Your weights are the wrong way round. The nearer a pixel, the more it counts: the "
            "left one has 1 - a.",
        ),
        "nearest_pixel": (
            nearest_pixel,
            "You read the nearest pixel. That is rounding again; mix all four by their nearness.",
        ),
        "zeros_outside": (
            zeros_outside,
            "Outside the map you return 0. This function takes the border's value there: clamp x "
            "and y first.",
        ),
        "loses_the_gradient": (
            loses_the_gradient,
            "The values are right, but no gradient reaches x and y. Do the arithmetic on tensors: "
            "float(), .item(), .tolist() and .detach() cut the thread.",
        ),
    },
    tolerance=1e-4,
)

# 05.pool_bins


def ends_to_divide(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int, int]]:
    """Bins that overlap, that fit, more bins than pixels, inverted boxes, boxes over both edges."""
    yield torch.tensor([2.0]), torch.tensor([6.0]), 2, 20  # 5 pixels, 2 bins
    yield torch.tensor([3.0]), torch.tensor([8.0]), 3, 20  # 6 pixels, 3 bins
    yield torch.tensor([4.0]), torch.tensor([5.0]), 4, 20  # fewer pixels than bins
    yield torch.tensor([7.0, 5.0]), torch.tensor([4.0, 5.0]), 2, 20  # inverted; one pixel
    yield torch.tensor([-3.0, 15.0, 30.0]), torch.tensor([4.0, 24.0, 35.0]), 3, 20  # outside
    first = torch.randint(0, 30, (9,), generator=generator).double()
    yield first, first + torch.arange(9.0).double() * 2, 7, 40
    yield torch.zeros(0), torch.zeros(0), 3, 20


def _bins(
    first: Tensor,
    last: Tensor,
    bins: int,
    length: int,
    extra: int = 1,
    least: int = 1,
    end: Callable[[Tensor], Tensor] = torch.ceil,
    inside: bool = True,
    corner: bool = True,
) -> tuple[Tensor, Tensor]:
    """The bins of RoI pooling, with a switch for each rule that can be forgotten."""
    step = ((last - first + extra).clamp(min=least) / bins)[:, None]
    q = torch.arange(bins, dtype=first.dtype)
    start = first[:, None] * corner
    begin, stop = start + (q * step).floor(), start + end((q + 1) * step)
    if inside:
        begin, stop = begin.clamp(0, length), stop.clamp(0, length)
    return begin.long(), stop.long()


def _bins_that(**changes: object) -> Callable[..., tuple[Tensor, Tensor]]:
    def bins_with_a_mistake(first, last, bins, length):  # type: ignore[no-untyped-def]
        return _bins(first, last, bins, length, **changes)

    return bins_with_a_mistake


POOL_BINS = Exercise(
    "05.pool_bins",
    reference=pool_bins,
    cases=ends_to_divide,
    hints=(
        "How many pixels are there from 2 to 6, if both are inside? Never let it be fewer than 1.",
        "With w pixels and P bins, bin q begins ⌊q·w/P⌋ pixels after `first` and ends "
        "⌈(q + 1)·w/P⌉ after it.",
        "(K, 1) times (bins,) gives (K, bins). Last of all clamp both to 0 … length, and .long().",
    ),
    mistakes={
        "forgets_plus_one": (
            _bins_that(extra=0),
            "From first to last, both inside, there are last - first + 1 pixels. You lost one.",
        ),
        "floors_the_end": (
            _bins_that(end=torch.floor),
            "You take the floor of the end too, so bins tile the box. RoI pooling takes the "
            "ceiling there, and neighbours may share a pixel.",
        ),
        "includes_the_end": (
            _bins_that(end=lambda t: t.ceil() - 1),
            "Your `end` is the last pixel of the bin. It is to be one further, as in a slice: "
            "begin … end - 1.",
        ),
        "rounds_the_end": (
            _bins_that(end=round_half_away),
            "The end of a bin is its ceiling, not the nearest whole number.",
        ),
        "forgets_the_border": (
            _bins_that(inside=False),
            "A box may reach beyond the map. Clamp begin and end to 0 … length, or you will read "
            "pixels that are not there.",
        ),
        "lets_boxes_vanish": (
            _bins_that(least=-10_000),
            "When last < first the width is zero or negative. It counts as 1 pixel: use "
            "clamp(min=1).",
        ),
        "forgets_the_corner": (
            _bins_that(corner=False),
            "Your bins begin at 0. They begin at `first`: add it.",
        ),
    },
)

# 05.sample_positions


def sides_of_bins(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int]]:
    """Fixed and adaptive counts, whole and fractional sizes, tiny and backward bins."""
    yield torch.tensor(1.25), torch.tensor(2.0), 2
    yield torch.tensor(0.0), torch.tensor(3.0), 1
    yield torch.tensor(-0.5), torch.tensor(2.5), 4
    yield torch.tensor(4.3), torch.tensor(2.3), 0  # adaptive: 3 samples
    yield torch.tensor(4.3), torch.tensor(3.0), -1  # adaptive: 3, as the size is whole
    yield torch.tensor(7.1), torch.tensor(0.2), -1  # adaptive: 1
    yield torch.tensor(2.0), torch.tensor(-1.5), 0  # backwards: none
    yield torch.tensor(2.0), torch.tensor(-1.5), 2  # backwards, fixed count: two all the same
    yield (
        5 * torch.rand((), generator=generator).double(),
        3 * torch.rand((), generator=generator).double(),
        3,
    )


def _positions(
    start: Tensor,
    size: Tensor,
    sampling_ratio: int,
    count: Callable[[float], int] = ceil,
    offset: float = 0.5,
    gaps: int = 0,
) -> Tensor:
    """Sample positions with three places to go wrong: how many, where the first, how far apart."""
    n = sampling_ratio if sampling_ratio > 0 else max(count(float(size)), 0)
    return start + (torch.arange(n, dtype=start.dtype) + offset) * size / max(n + gaps, 1)


def starts_on_the_edge(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=0)


def reads_both_edges(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=0, gaps=-1)


def leaves_wide_margins(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=1, gaps=1)


def never_adapts(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, max(sampling_ratio, 1))


def adapts_with_floor(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, count=floor)


def forgets_the_start(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio) - start


SAMPLE_POSITIONS = Exercise(
    "05.sample_positions",
    reference=sample_positions,
    cases=sides_of_bins,
    hints=(
        "Cut the bin into n equal pieces. Each sample sits in the middle of its piece.",
        "Piece s begins s · size/n after the start, so its middle is at (s + ½) · size/n.",
        "If sampling_ratio ≤ 0, n is the ceiling of the size, and 0 for a bin that runs backwards.",
    ),
    mistakes={
        "starts_on_the_edge": (
            starts_on_the_edge,
            "Your first sample lies on the bin's edge. Put each in the middle of its piece: "
            "s + ½ in place of s.",
        ),
        "reads_both_edges": (
            reads_both_edges,
            "Your samples reach from edge to edge, so neighbouring bins read the same points. Put "
            "each in the middle of its piece.",
        ),
        "leaves_wide_margins": (
            leaves_wide_margins,
            "You divide by n + 1, so the margins are as wide as the gaps. They are half a gap.",
        ),
        "never_adapts": (
            never_adapts,
            "With sampling_ratio ≤ 0 the number of samples follows the bin: ⌈size⌉.",
        ),
        "adapts_with_floor": (
            adapts_with_floor,
            "You take the floor of the size. A bin of 0.2 pixels would have no sample: take the "
            "ceiling.",
        ),
        "forgets_the_start": (
            forgets_the_start,
            "Your positions are counted from the bin's edge. Add `start`.",
        ),
    },
)

# 05.roi_align


def boxes_to_align(generator: torch.Generator) -> Iterable[tuple]:
    """Two images, odd shapes, a stride, both conventions, adaptive counts, borders, no boxes."""
    maps = torch.randn(2, 3, 6, 9, generator=generator)
    boxes = torch.tensor([[1.0, 10.4, 6.2, 55.8, 36.6], [0.0, 22.2, 9.4, 41.4, 38.2]])
    yield maps, boxes, (2, 3), 1 / 8, 2, True
    yield maps, boxes, (3, 2), 1 / 8, 2, False
    on_the_map = boxes * torch.tensor([1, 1 / 8, 1 / 8, 1 / 8, 1 / 8])
    yield maps, on_the_map, 2, 1.0, -1, True
    beyond = torch.tensor([[0.0, -30.0, -20.0, 20.0, 30.0], [1.0, 50.0, 30.0, 100.0, 70.0]])
    yield maps, beyond, 2, 1 / 8, 3, True
    tiny = torch.tensor([[1.0, 20.0, 16.0, 22.0, 20.0]])
    yield maps, tiny, 2, 1 / 8, 2, True
    yield maps, tiny, 2, 1 / 8, 2, False
    yield maps.double().transpose(2, 3), boxes[:, [0, 2, 1, 4, 3]].double(), 2, 1 / 8, 1, True
    yield maps, torch.zeros(0, 5), 2, 1.0, 2, True


def _align(
    input: Tensor,
    boxes: Tensor,
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    average: bool = True,
    count_outside: bool = True,
    clamp_outside: bool = False,
) -> Tensor:
    """RoIAlign as a loop over boxes, with a switch for three of its rules."""
    rows, columns = (output_size,) * 2 if isinstance(output_size, int) else output_size
    height, width = input.shape[2:]
    out = input.new_zeros(len(boxes), input.shape[1], rows, columns)
    for k, roi in enumerate(boxes):
        x1, y1, w, h = (v[0] for v in feature_box(roi[None], spatial_scale, aligned))
        for p in range(rows):
            for q in range(columns):
                y = sample_positions(y1 + p * h / rows, h / rows, sampling_ratio)
                x = sample_positions(x1 + q * w / columns, w / columns, sampling_ratio)
                ys, xs = (t.flatten() for t in torch.meshgrid(y, x, indexing="ij"))
                live = (ys >= -1) & (ys <= height) & (xs >= -1) & (xs <= width) | clamp_outside
                values = bilinear_sample(input[int(roi[0])], xs, ys) * live  # (C, n²)
                n = values.shape[1] if count_outside else max(int(live.sum()), 1)
                out[k, :, p, q] = values.sum(dim=1) / n if average else values.amax(dim=1)
    return out


def _align_that(**changes: bool) -> Callable[..., Tensor]:
    def align_with_a_mistake(*case):  # type: ignore[no-untyped-def]
        return _align(*case, **changes)

    return align_with_a_mistake


def ignores_aligned(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    return roi_align(input, boxes, size, scale, ratio, False)


def forgets_half_pixel_of_box(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    shift = torch.tensor([0, 1, 1, 1, 1]) * 0.5 / scale * aligned
    return roi_align(input, boxes + shift, size, scale, ratio, aligned)


def adds_half_a_pixel(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    shift = torch.tensor([0, 1, 1, 1, 1]) / scale * aligned
    return roi_align(input, boxes + shift, size, scale, ratio, aligned)


def always_at_least_one(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    shift = torch.tensor([0, 1, 1, 1, 1]) * 0.5 / scale * aligned
    return roi_align(input, boxes - shift, size, scale, ratio, False)


def drops_batch_index(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    return roi_align(input, boxes * torch.tensor([0, 1, 1, 1, 1]), size, scale, ratio, aligned)


def forgets_the_scale(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    return roi_align(input, boxes, size, 1.0, ratio, aligned)


def swaps_axes_of_boxes(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    return roi_align(input, boxes[:, [0, 2, 1, 4, 3]], size, scale, ratio, aligned)


def rounds_the_box(input, boxes, size, scale, ratio, aligned):  # type: ignore[no-untyped-def]
    rounded = torch.cat([boxes[:, :1], round_half_away(boxes[:, 1:] * scale)], dim=1)
    return roi_align(input, rounded, size, 1.0, ratio, aligned)


ROI_ALIGN = Exercise(
    "05.roi_align",
    reference=roi_align,
    cases=boxes_to_align,
    hints=(
        "Scale the box; if `aligned`, take 0.5 off all four numbers, else let width and height be "
        "at least 1. Cut it into bins.",
        "In each bin, sample_positions gives the ys and the xs, and bilinear_sample reads all "
        "pairs. Average. The image is input[int(boxes[k, 0])].",
        "A sample with y < -1 or y > height (x alike) contributes 0, and still counts in the "
        "average.",
    ),
    mistakes={
        "ignores_aligned": (
            ignores_aligned,
            "You treat both values of `aligned` as False. With True, subtract 0.5 from the scaled "
            "box and let it be as small as it is.",
        ),
        "forgets_half_pixel_of_box": (
            forgets_half_pixel_of_box,
            "You never take off the half pixel. With aligned=True subtract 0.5 from the scaled "
            "box, because pixel j's value sits at its centre.",
        ),
        "adds_half_a_pixel": (
            adds_half_a_pixel,
            "You add the half pixel. Going from image coordinates to indices takes it off: the "
            "centre j + ½ has index j.",
        ),
        "always_at_least_one": (
            always_at_least_one,
            "You force every box to one pixel. That rule belongs to aligned=False only.",
        ),
        "drops_batch_index": (
            drops_batch_index,
            "You read every box from image 0. The first number of a row says which image it is in.",
        ),
        "forgets_the_scale": (
            forgets_the_scale,
            "Boxes are in image pixels, the map is coarser. Multiply by spatial_scale first.",
        ),
        "swaps_axes_of_boxes": (
            swaps_axes_of_boxes,
            "You took x for y. A row is (batch index, x1, y1, x2, y2), and y is the row of the "
            "map.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "You rounded the box to whole pixels. The whole point of RoIAlign is not to.",
        ),
        "takes_the_maximum": (
            _align_that(average=False),
            "You took the maximum of the samples, as RoI pooling does. RoIAlign averages them.",
        ),
        "counts_the_inside_only": (
            _align_that(count_outside=False),
            "You divide by the number of samples inside the map. Those outside count as zeros: "
            "divide by all n².",
        ),
        "repeats_the_border": (
            _align_that(clamp_outside=True),
            "A sample at an index below -1 or above the map's size is 0. bilinear_sample repeats "
            "the border there, so you have to blank it yourself.",
        ),
    },
    tolerance=1e-4,
)

EXERCISES = (BILINEAR, POOL_BINS, SAMPLE_POSITIONS, ROI_ALIGN)
