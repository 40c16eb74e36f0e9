"""The overlaps beneath panoptic quality: how many pixels each predicted and true segment share.

Everything panoptic quality asks of two maps is in this table of counts |p ∩ g|: areas are its row
and column sums, and

    IoU(p, g) = |p ∩ g| / (|p| + |g| − |p ∩ g| − |p ∩ void|)

where the last term takes pixels that are void in the truth out of the union: they count neither
for nor against (Kirillov et al., Panoptic Segmentation, 2019, section 4). Unit 34.

A map is mostly runs of equal ids. Only where a row changes is there anything to sort, so counting
run by run costs a tenth of sorting all pixels; a map of noise costs no more than it did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from minseg.metrics.boundary import band_width, dilate


@dataclass(frozen=True)
class SharedPixels:
    """The counts, sparse: K pairs of segments that share pixels, void (id 0) being one of them."""

    p_ids: np.ndarray  # (P,) int64, sorted, ids of the prediction
    t_ids: np.ndarray  # (T,) int64, sorted, ids of the target
    p: np.ndarray  # (K,) rows of p_ids
    t: np.ndarray  # (K,) rows of t_ids
    pixels: np.ndarray  # (K,) float64 as all counts here: whole numbers, exact up to 2^53
    bands: tuple[np.ndarray, ...]  # pixels in both bands, in that of p, of t, (K,) each; or none

    @property
    def on_void(self) -> np.ndarray:
        """(K,) bool, where the target is void."""
        return self.t_ids[self.t] == 0

    def iou(self) -> np.ndarray:
        """(K,) float64, of each pair; with bands, the smaller of IoU and boundary IoU."""
        whole = self._iou(self.pixels, self.pixels, self.pixels)
        return np.minimum(whole, self._iou(*self.bands)) if self.bands else whole

    def _iou(self, both: np.ndarray, of_p: np.ndarray, of_t: np.ndarray) -> np.ndarray:
        p_area, t_area = np.bincount(self.p, of_p), np.bincount(self.t, of_t)
        p_void = np.bincount(self.p, of_p * self.on_void)
        union = p_area[self.p] + t_area[self.t] - both - p_void[self.p]
        return both / np.maximum(union, 1)


def count_shared_pixels(
    p_map: np.ndarray, t_map: np.ndarray, dilation_ratio: float | None = None
) -> SharedPixels:
    """Count the pixels that each pair of segments shares.

    Args:
        p_map, t_map: (H, W) integer ids of prediction and target.
        dilation_ratio: if given, pixels in the inner bands (`band_width`) are counted too.

    Example:
        >>> shared = count_shared_pixels(np.array([[7, 7, 8, 8]]), np.array([[5, 5, 5, 6]]))
        >>> shared.p_ids[shared.p].tolist(), shared.t_ids[shared.t].tolist(), shared.pixels.tolist()
        ([7, 8, 8], [5, 5, 6], [2.0, 1.0, 1.0])
    """
    layers = [p_map.ravel(), t_map.ravel()]  # (H · W,) each
    if dilation_ratio is not None:
        layers += [inner_bands(m, dilation_ratio).ravel() for m in (p_map, t_map)]
    # R runs of pixels that are equal in all layers
    start = _run_starts(layers)  # (R,)
    length = np.diff(start, append=p_map.size)
    # the segments, and to which of them each run belongs
    p_ids, p = np.unique(layers[0][start], return_inverse=True)  # (P,) and (R,)
    t_ids, t = np.unique(layers[1][start], return_inverse=True)  # (T,) and (R,)
    # the K pairs that occur, and which pair each run is of
    pair, k = np.unique(p * len(t_ids) + t, return_inverse=True)  # (K,) and (R,)
    # the lengths of the runs of each pair, added up
    counted = [length]
    if dilation_ratio is not None:
        in_p, in_t = layers[2][start], layers[3][start]
        counted += [length * (in_p & in_t), length * in_p, length * in_t]
    pixels, *bands = (np.bincount(k, weights, minlength=len(pair)) for weights in counted)
    p, t = np.divmod(pair, max(len(t_ids), 1))  # (K,) each, from here on
    return SharedPixels(
        p_ids.astype(np.int64), t_ids.astype(np.int64), p, t, pixels, bands=tuple(bands)
    )


def _run_starts(layers: list[np.ndarray]) -> np.ndarray:
    """Pixels where any of the flat maps changes, the first included: between them all are equal."""
    changed = np.ones(len(layers[0]), dtype=bool)
    changed[1:] = layers[0][1:] != layers[0][:-1]
    for layer in layers[1:]:
        changed[1:] |= layer[1:] != layer[:-1]
    return np.flatnonzero(changed)


def inner_bands(ids: np.ndarray, dilation_ratio: float) -> np.ndarray:
    """(H, W) bool: `boundary_of` every segment of a map at once.

    A pixel is in a band of width 1 if it touches a pixel corner where ids meet, or the frame; in
    one of width d if such a pixel, of whatever segment, is within d - 1.

    Example:
        >>> ids = np.full((5, 9), 7)
        >>> ids[:, 6:] = 8
        >>> inner_bands(ids, 0.02).astype(int)[2].tolist()
        [1, 0, 0, 0, 0, 1, 1, 0, 1]
    """
    height, width = ids.shape
    # corners of pixels at which ids meet; all of the frame's are
    corner = np.ones((height + 1, width + 1), dtype=bool)
    upper, lower = ids[:-1], ids[1:]
    corner[1:-1, 1:-1] = (upper[:, 1:] != upper[:, :-1]) | (lower[:, 1:] != lower[:, :-1])
    corner[1:-1, 1:-1] |= upper[:, 1:] != lower[:, 1:]
    # pixels with such a corner, and all within d - 1 of them
    touching = corner[:-1, :-1] | corner[:-1, 1:] | corner[1:, :-1] | corner[1:, 1:]
    distance = band_width(ids.shape, dilation_ratio) - 1
    return dilate(torch.from_numpy(touching), distance).numpy()
