"""Three RoIAlign workloads of a detector's size, and what they cannot cost less than.

W1: two maps of 200 × 304, 1,000 boxes of 10 to 60 px, 7 × 7 bins. W2: the same maps, 512 boxes,
14 × 14 bins. W3: the pyramid P2 to P5 of two images of 800 × 1216, 1,000 boxes of 16 to 600 px.
All with 256 channels and 2 × 2 samples a bin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from minseg.boxes import fpn_level
from minseg.roi.align import axis_taps, feature_box

CHANNELS, RATIO = 256, 2


@dataclass
class Workload:
    """Map sizes and scale a level, boxes (K, 5) in image pixels, the level of each, bins."""

    name: str
    sizes: list[tuple[int, int]]
    scales: list[float]
    rois: Tensor
    levels: Tensor
    bins: int
    aligned: bool = True
    images: int = 2

    def of_level(self, level: int) -> Tensor:
        return self.rois[self.levels == level]


def workloads(seed: int = 0) -> list[Workload]:
    g = torch.Generator().manual_seed(seed)
    one = {"sizes": [(200, 304)], "scales": [1.0]}
    w1, w2 = (boxes(k, (200, 304), 10 + 50 * torch.rand(k, 2, generator=g), g) for k in (1000, 512))
    side = 16 * (600 / 16) ** torch.rand(1000, 1, generator=g)  # as many small as large, by octave
    shape = torch.exp(0.7 * (torch.rand(1000, 1, generator=g) - 0.5))
    sides = torch.cat([side * shape, side / shape], 1).minimum(torch.tensor([1200.0, 790.0]))
    w3 = boxes(1000, (800, 1216), sides, g)
    pyramid = [(math.ceil(800 / s), math.ceil(1216 / s)) for s in (4, 8, 16, 32)]
    scales = [1 / 4, 1 / 8, 1 / 16, 1 / 32]
    return [
        Workload("W1", **one, rois=w1, levels=torch.zeros(1000, dtype=torch.int32), bins=7),
        Workload("W2", **one, rois=w2, levels=torch.zeros(512, dtype=torch.int32), bins=14),
        Workload("W3", pyramid, scales, w3, (fpn_level(w3[:, 1:]) - 2).int(), 7, aligned=False),
    ]


def boxes(count: int, size: tuple[int, int], sides: Tensor, g: torch.Generator) -> Tensor:
    """(K, 5) boxes with these sides (w, h), anywhere inside two images of this size (H, W)."""
    corner = torch.rand(count, 2, generator=g) * (torch.tensor([size[1], size[0]]) - sides)
    image = (torch.arange(count) * 2 // count).float()[:, None]
    return torch.cat([image, corner, corner + sides], dim=1)


def count_bytes(w: Workload, item: int) -> dict[str, int]:
    """What has to be moved, with `item` bytes a number.

    touched: pixels that some RoI reads, once. read: pixels that each program (a RoI's output row)
    reads, once a program. out: the result. maps: all levels whole.
    """
    touched = read = 0
    for level, (H, W) in enumerate(w.sizes):
        rois = w.of_level(level)
        x1, y1, width, height = feature_box(rois, w.scales[level], w.aligned)
        rows = used(*axis_taps(y1, height, w.bins, RATIO, H), H)  # (K, bins, H)
        columns = used(*axis_taps(x1, width, w.bins, RATIO, W), W).any(dim=1)  # (K, W)
        read += int((rows.sum(2) * columns.sum(1, keepdim=True)).sum())
        for n in range(w.images):
            mine = rois[:, 0] == n
            seen = rows[mine].any(dim=1).float().T @ columns[mine].float()  # (H, W)
            touched += int((seen > 0).sum())
    pixel = CHANNELS * item
    maps = w.images * sum(H * W for H, W in w.sizes)
    return {
        "touched": touched * pixel,
        "read": read * pixel,
        "out": len(w.rois) * w.bins**2 * pixel,
        "maps": maps * pixel,
    }


def used(index: Tensor, weight: Tensor, length: int) -> Tensor:
    """(K, bins, length): whether a bin gives that pixel of the axis any weight."""
    zeros = weight.new_zeros(*index.shape[:2], length)
    return zeros.scatter_add(2, index, weight) > 0


def floors(w: Workload, dtype: torch.dtype, limit: dict[str, float]) -> dict[str, float]:
    """Milliseconds that cannot be beaten: by memory forward and backward, by the L2 forward."""
    size = count_bytes(w, dtype.itemsize)
    memory, l2 = limit["copy_bytes_per_s"] / 1e3, limit["l2_bytes_per_s"] / 1e3
    return {
        "forward": (size["touched"] + size["out"]) / memory,
        "backward": (size["maps"] + size["out"]) / memory,
        "forward_l2": size["read"] / l2,
    }
