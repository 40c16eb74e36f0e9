"""Small RoIAlign problems that are hard on a kernel, and the answers in float64.

Sizes are odd and never multiples of a block or tile, so that a missing mask shows. Boxes lie
inside, across the border, far outside; some are empty, run backwards or cover the map many times.
Seeds are fresh and printed; MINSEG_SEED repeats one.

Values of RoIAlign jump where a sample crosses -1 or L, and where ⌈bin⌉ does. There, float32 and
float64 may rightly disagree, so boxes too near to such a jump are drawn again.
"""

import os
import time

import torch
from torch import Tensor

from minseg.roi import roi_align
from minseg.roi.align import feature_box
from minseg_kernels.forward import forward
from minseg_kernels.launch import Sampling


def fresh_seed() -> int:
    seed = int(os.environ.get("MINSEG_SEED", time.time_ns() % 2**31))
    print(f"MINSEG_SEED={seed}")
    return seed


class Problem:
    """Maps, boxes and a gradient; `reference` has the answers for the float32 numbers."""

    def __init__(
        self,
        seed: int,
        sizes=((11, 13),),
        channels=5,
        images=2,
        output=(2, 3),
        ratio=2,
        aligned=True,
        kinds=("inside", "across", "inverted", "empty", "outside"),
        dtype=torch.float32,
        device="cpu",
    ):
        self.generator = torch.Generator().manual_seed(seed)
        self.output, self.ratio, self.aligned = output, ratio, aligned
        self.sizes, self.scales = sizes, tuple(0.5**i / 2 for i in range(len(sizes)))
        self.features = [self.normal(images, channels, *s).to(dtype) for s in sizes]
        K = len(kinds)
        self.levels = torch.arange(K, dtype=torch.int32) % len(sizes)
        self.rois = torch.stack([self.box(kind, k, images) for k, kind in enumerate(kinds)])
        self.grad = self.normal(K, channels, *output).to(dtype)
        for name in ("rois", "levels", "grad"):
            setattr(self, name, getattr(self, name).to(device))
        self.features = [f.to(device) for f in self.features]

    def normal(self, *shape) -> Tensor:
        return torch.randn(shape, generator=self.generator)

    def box(self, kind: str, k: int, images: int) -> Tensor:
        """One RoI in image pixels, far from every jump."""
        level = int(self.levels[k])
        (H, W), scale = self.sizes[level], self.scales[level]
        for _ in range(1000):
            r = torch.rand(6, generator=self.generator)
            x1, y1, x2, y2 = (r[:4] * torch.tensor([W, H, W, H])).tolist()
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            if kind == "across":
                x1, y2 = x1 - W / 2, y2 + H / 2
            if kind == "inverted":
                x1, x2, y1, y2 = x2, x1, (y2, y1)[r[4] < 0.5], (y1, y2)[r[4] < 0.5]
            if kind == "empty":
                x2 = x1
            if kind == "outside":
                x1, x2 = x1 + 3 * W, x2 + 3 * W
            if kind == "wild":
                x1, y1, x2, y2 = -9 * x1 - W, -7 * y1 - H, 9 * x2 + W, 7 * y2 + H
            image = int(r[5] * images)
            roi = torch.tensor([image, *(v / scale for v in (x1, y1, x2, y2))])
            if self.away_from_jumps(roi, level):
                return roi
        raise AssertionError(f"no safe {kind} box found")

    def away_from_jumps(self, roi: Tensor, level: int, room: float = 1e-3) -> bool:
        x1, y1, w, h = (
            v.item() for v in feature_box(roi[None].double(), self.scales[level], self.aligned)
        )
        H, W = self.sizes[level]
        for start, size, bins, length in ((y1, h, self.output[0], H), (x1, w, self.output[1], W)):
            bin = torch.tensor(size / bins, dtype=torch.float64)
            if self.ratio == 0 and bin.abs() > 0 and (bin - bin.round()).abs() < room:
                return False
            n = self.ratio or max(int(bin.ceil()), 1)
            at = start + torch.arange(bins * n, dtype=torch.float64).add(0.5) * bin / n
            if ((at + 1).abs() < room).any() or ((at - length).abs() < room).any():
                return False
        return True

    def reference(self) -> tuple[Tensor, list[Tensor]]:
        """Output (K, C, PH, PW) and the gradient of each level, float64 on the CPU."""
        maps = [f.detach().cpu().double().requires_grad_() for f in self.features]
        rule = (self.output, self.ratio, self.aligned)
        rows = [
            roi_align(maps[level], roi[None], rule[0], self.scales[level], *rule[1:])[0]
            for level, roi in zip(self.levels.tolist(), self.rois.cpu().double(), strict=True)
        ]
        out = torch.stack(rows)
        return out.detach(), list(torch.autograd.grad(out, maps, self.grad.cpu().double()))


def assert_near(got: Tensor, exact: Tensor, dtype=torch.float32) -> None:
    """Every number of `got` is there (no NaN) and within rounding of `exact`.

    Triton's interpreter cuts bfloat16 off where a GPU rounds, hence twice its unit.
    """
    tolerance = {torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}[dtype]
    got = got.detach().cpu().double()
    assert got.shape == exact.shape
    assert got.isfinite().all(), f"{int((~got.isfinite()).sum())} numbers never written, or NaN"
    scale = max(exact.abs().max().item(), 1.0) if exact.numel() else 1.0
    torch.testing.assert_close(got, exact, rtol=tolerance, atol=tolerance * scale)


class Guarded:
    """A tensor of NaN with NaN around it, to see what a kernel leaves out or writes beside it."""

    def __init__(self, shape, dtype=torch.float32, device="cpu", room=256):
        size = torch.Size(shape).numel()
        self.memory = torch.full((size + 2 * room,), torch.nan, dtype=dtype, device=device)
        self.tensor = self.memory[room : room + size].view(shape)
        self.room = room

    def assert_untouched_around(self) -> None:
        around = torch.cat([self.memory[: self.room], self.memory[-self.room :]])
        assert around.isnan().all(), "written outside of the tensor"


def run_forward(problem, *, channels_last=True, dtype=torch.float32):
    """What the kernel makes of a problem, in guarded memory of either layout."""
    (K, C, PH, PW), device = problem.grad.shape, problem.rois.device
    memory = Guarded((K, PH, PW, C) if channels_last else (K, C, PH, PW), dtype, device)
    out = memory.tensor.permute(0, 3, 1, 2) if channels_last else memory.tensor
    maps = [f.permute(0, 2, 3, 1).contiguous() for f in problem.features]
    sampling = Sampling(problem.scales, problem.ratio, problem.aligned)
    forward(maps, problem.rois, problem.levels, out, sampling)
    memory.assert_untouched_around()
    return out
