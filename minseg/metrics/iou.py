"""How alike are two masks: intersection over union, for every pair at once.

    IoU(a, b) = |a ∩ b| / |a ∪ b|,   |a ∪ b| = |a| + |b| - |a ∩ b|

Written as vectors of zeros and ones, |a ∩ b| is a scalar product, so all pairs of two sets of masks
are one matrix product: `mask_iou_dense` is that sentence. `mask_iou` gives the same numbers several
times faster, because a mask needs one bit for each pixel: 64 pixels meet in a single AND, and a
mask need only be compared where it has pixels.

Two masks without pixels have no ratio; here their IoU is 0, as in COCO's tools. With a crowd the
union is replaced by the detection's own area: the crowd rule of `minseg.metrics.ap_matching`
(Lin et al., Microsoft COCO, 2014, and its evaluation code). Unit 30.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.boxes import box_area, shared_area
from minseg.masks.runs import Runs, shared_pixels


def mask_iou_loop(a: Tensor, b: Tensor, crowd: Tensor | None = None) -> Tensor:
    """The definition, one pair and one pixel at a time, meant to be read. See `mask_iou`."""
    iou = torch.zeros(len(a), len(b), dtype=torch.float64)
    for n, one in enumerate(a.flatten(1).tolist()):
        for m, other in enumerate(b.flatten(1).tolist()):
            in_both = in_either = 0
            for in_a, in_b in zip(one, other, strict=True):
                in_both += in_a and in_b
                in_either += in_a or in_b
            divisor = sum(one) if crowd is not None and crowd[m] else in_either
            iou[n, m] = in_both / divisor if divisor else 0.0
    return iou


def mask_iou_dense(a: Tensor, b: Tensor, crowd: Tensor | None = None) -> Tensor:
    """The definition, as one matrix product. See `mask_iou`."""
    _check_masks(a, b)
    flat_a, flat_b = a.flatten(1).double(), b.flatten(1).double()  # (N, HW), (M, HW), exact
    return ratio(flat_a @ flat_b.T, flat_a.sum(dim=1), flat_b.sum(dim=1), crowd)


def mask_iou(a: Tensor, b: Tensor, crowd: Tensor | None = None) -> Tensor:
    """Intersection over union of every mask of one set with every mask of another.

    Args:
        a: (N, H, W) bool, for example detections.
        b: (M, H, W) bool, for example truths.
        crowd: (M,) bool, the masks of `b` that are crowds: their column holds |a ∩ b| / |a|.

    Returns:
        (N, M) float64; 0 where both masks are empty.

    Raises:
        TypeError: if a mask is not bool.
        ValueError: if `a` and `b` are not (N, H, W) and (M, H, W) with the same H and W, or
            `crowd` is not (M,).

    Example:
        >>> three, two = torch.tensor([[[True, True, True, False]], [[False, True, True, False]]])
        >>> round(mask_iou(three[None], two[None]).item(), 3)
        0.667
    """
    _check_masks(a, b)
    if a.is_cuda:  # there a matrix product is what the machine is built for
        return mask_iou_dense(a, b, crowd)
    words_a, words_b = pack(a), pack(b)  # (N, L) and (M, L)
    shared = torch.from_numpy(_shared_bits(words_a, words_b))
    return ratio(shared, _count_bits(words_a), _count_bits(words_b), crowd)


def run_iou(
    a: Runs, b: Runs, crowd: Tensor | None = None, wanted: np.ndarray | None = None
) -> Tensor:
    """`mask_iou` of masks that are given as runs: the same numbers to the last bit.

    Args:
        a, b: N and M masks of one image.
        crowd: (M,) bool, as in `mask_iou`.
        wanted: (N, M) bool, the pairs that matter; the others hold 0. All, if left out.

    Returns:
        (N, M) float64.

    Raises:
        ValueError: if the two are not of one size, or `crowd` is not (M,).

    Example:
        >>> left, all_of_it = Runs((2, 4), [np.array([0, 4])]), Runs((2, 4), [np.array([0, 8])])
        >>> run_iou(left, all_of_it).item()
        0.5
    """
    shared = torch.from_numpy(shared_pixels(a, b, wanted))
    return ratio(shared, torch.from_numpy(a.areas()), torch.from_numpy(b.areas()), crowd)


def mask_area(masks: Tensor) -> Tensor:
    """(N,) int64: the pixels of each of (N, H, W) bool masks.

    Example:
        >>> mask_area(torch.eye(3).bool()[None]).tolist()
        [3]
    """
    counted = [np.count_nonzero(one) for one in masks.cpu().numpy()]
    return torch.tensor(counted, dtype=torch.int64)


def pack(masks: Tensor) -> np.ndarray:
    """(N, L) uint64: the pixels of (N, H, W) masks row by row, 64 to a word, padded with zeros."""
    bits = np.packbits(masks.flatten(1).cpu().numpy(), axis=1)  # (N, ⌈HW/8⌉) bytes
    padding = -bits.shape[1] % 8
    if padding:
        bits = np.pad(bits, ((0, 0), (0, padding)))
    return bits.view(np.uint64)


def _shared_bits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) int64: how many pixels each pair of packed masks shares."""
    shared = np.zeros((len(a), len(b)), dtype=np.int64)
    for m, words in enumerate(b):
        used = np.flatnonzero(words)
        if used.size:  # only the rows of the image that mask m reaches
            span = slice(used[0], used[-1] + 1)
            shared[:, m] = np.bitwise_count(a[:, span] & words[span]).sum(axis=1)
    return shared


def _count_bits(words: np.ndarray) -> Tensor:
    return torch.from_numpy(np.bitwise_count(words).sum(axis=1, dtype=np.int64))


def box_overlap(
    a: Tensor,
    b: Tensor,
    crowd: Tensor | None = None,
    *,
    area_a: Tensor | None = None,
    area_b: Tensor | None = None,
) -> Tensor:
    """Intersection over union of every box of one set with every box of another.

    `minseg.boxes.box_iou` is the same without crowds and in the boxes' own precision.

    Args:
        a, b: (N, 4) and (M, 4) boxes x1, y1, x2, y2.
        crowd: (M,) bool, as in `mask_iou`.
        area_a, area_b: (N,) and (M,), where they are known better than the corners tell: a file
            has x, y, w, h, and (x + w) − x is not w to the last digit. An IoU that is ½ by w · h
            is then a little less, and misses its threshold. From the corners, if left out.

    Returns:
        (N, M) float64; with `x + w`, `y + h` as corners and `w · h` as areas, pycocotools' own.

    Example:
        >>> box_overlap(torch.tensor([[0, 0, 4, 4]]), torch.tensor([[2, 0, 6, 4]])).item()
        0.3333333333333333
    """
    a, b = a.double(), b.double()
    area_a = box_area(a) if area_a is None else area_a.double()
    area_b = box_area(b) if area_b is None else area_b.double()
    return ratio(shared_area(a, b), area_a, area_b, crowd)


def ratio(shared: Tensor, area_a: Tensor, area_b: Tensor, crowd: Tensor | None = None) -> Tensor:
    """(N, M) float64 IoU from the intersections (N, M) and the areas (N,) and (M,).

    Where `crowd` (M,) is true the divisor is the first area alone. 0/0 is 0.

    Example:
        >>> shared, four, eight = torch.tensor([[4]]), torch.tensor([4]), torch.tensor([8])
        >>> ratio(shared, four, eight).item(), ratio(shared, four, eight, four > 0).item()
        (0.5, 1.0)
    """
    divisor = area_a[:, None] + area_b[None] - shared  # |a ∪ b|
    if crowd is not None:
        if crowd.shape != area_b.shape or crowd.dtype != torch.bool:
            raise ValueError(
                f"crowd must be ({len(area_b)},) bool, one for each of b, "
                f"got {tuple(crowd.shape)} {crowd.dtype}"
            )
        divisor = torch.where(crowd[None], area_a[:, None], divisor)  # |a|, the crowd rule
    return torch.where(divisor > 0, shared.double() / divisor.double(), 0.0)


def _check_masks(a: Tensor, b: Tensor) -> None:
    for name, masks in (("a", a), ("b", b)):
        if masks.ndim != 3:
            raise ValueError(f"{name} must be (N, H, W), got {tuple(masks.shape)}")
        if masks.dtype != torch.bool:
            raise TypeError(f"{name} must be bool, got {masks.dtype}: threshold it, `masks > 0.5`")
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"a and b must be masks of one size, got {tuple(a.shape[1:])} and {tuple(b.shape[1:])}"
        )
