"""RoIAlign on a GPU: the Triton kernels beside torchvision's CUDA, taking turns in one run.

    python benchmarks/roi_align_gpu.py [--rounds 30] [--write] [--out FOLDER]

Needs a CUDA GPU and Triton, else it says so and ends with status 2; torchvision is optional. Three
workloads of 256 channels: W1, two maps of 200 × 304, 1,000 boxes, 7 × 7 bins; W2, 512 boxes,
14 × 14; W3, the pyramid P2 to P5 of two images of 800 × 1216, 1,000 boxes of 16 to 600 px. Each in
float32 and bfloat16, forward and backward.

A time is the median by CUDA events; the GPU is kept busy beforehand, so that the launch itself is
not in it. Inputs rotate through more memory than the L2 cache holds. The fractions compare it with
two floors, both measured in the same run: moving each byte once at the speed of a copy, and what
programs read, at the speed of the L2 cache.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / p) for p in (".", "kernels")]

from benchmarks.gpu.workloads import CHANNELS, RATIO, Workload, floors, workloads
from benchmarks.machine import RESULTS, require_gpu, write_gpu_result
from minseg.boxes import fpn_level
from minseg.roi.align import roi_align

Call = Callable[[int], Any]  # argument: which of the rotating inputs


def median_times(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Median milliseconds of each call, all of them taking turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(rounds + 3):  # three to warm up
        for name, call in calls.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda._sleep(1_000_000)  # half a millisecond, in which the launches queue up
            start.record()
            call(i)
            end.record()
            end.synchronize()
            if i >= 3:
                times[name].append(start.elapsed_time(end))
    return {name: statistics.median(t) for name, t in times.items()}


class Race:
    """The inputs of one workload and dtype on the GPU, several times over, and who runs on them."""

    def __init__(self, w: Workload, dtype: torch.dtype, peer: Any) -> None:
        self.w, self.dtype, self.peer = w, dtype, peer
        size = sum(w.images * CHANNELS * H * W for H, W in w.sizes) * dtype.itemsize
        cache = torch.cuda.get_device_properties(torch.cuda.current_device()).L2_cache_size
        self.copies = max(2, math.ceil(3 * cache / size))
        self.rois, self.levels = w.rois.cuda(), w.levels.cuda()
        self.planes = [
            [torch.randn(w.images, CHANNELS, *s, device="cuda", dtype=dtype) for s in w.sizes]
            for _ in range(self.copies)
        ]
        last = torch.channels_last
        self.pixels = [[f.to(memory_format=last) for f in maps] for maps in self.planes]
        grad = torch.randn(len(w.rois), CHANNELS, w.bins, w.bins, device="cuda", dtype=dtype)
        self.grad, self.grad_pixels = grad, grad.to(memory_format=last)

    def ours(self, maps: list[Tensor], deterministic: bool = False) -> Tensor:
        from minseg_kernels import roi_align_fpn

        w = self.w
        levels = fpn_level(self.rois[:, 1:]) - 2 if len(w.sizes) > 1 else None
        rule = (w.bins, w.scales, RATIO, w.aligned)
        return roi_align_fpn(maps, self.rois, levels, *rule, deterministic=deterministic)

    def torchvision(self, maps: list[Tensor]) -> Tensor:
        """As its users run it; under autocast it computes in float32 and converts both ways."""
        w, ops = self.w, self.peer.ops
        with torch.autocast("cuda", torch.bfloat16, enabled=self.dtype != torch.float32):
            if len(w.sizes) == 1:
                return ops.roi_align(maps[0], self.rois, w.bins, w.scales[0], RATIO, w.aligned)
            pool = ops.MultiScaleRoIAlign([str(i) for i in range(len(maps))], w.bins, RATIO)
            lists = [self.rois[self.rois[:, 0] == n, 1:] for n in range(w.images)]
            named = {str(i): m for i, m in enumerate(maps)}
            return pool(named, lists, [(800, 1216)] * w.images)

    def forwards(self) -> dict[str, Call]:
        n, planes, pixels = self.copies, self.planes, self.pixels
        calls: dict[str, Call] = {
            "minseg, channels-last": lambda i: self.ours(pixels[i % n]),
            "minseg, planes": lambda i: self.ours(planes[i % n]),
        }
        if self.peer:
            calls["torchvision, planes"] = lambda i: self.torchvision(planes[i % n])
            calls["torchvision, channels-last"] = lambda i: self.torchvision(pixels[i % n])
        return calls

    def backwards(self) -> dict[str, Call]:
        calls = {
            "minseg, atomics": self.gradient(self.ours, self.pixels, self.grad_pixels),
            "minseg, deterministic": self.gradient(
                lambda maps: self.ours(maps, True), self.pixels, self.grad_pixels
            ),
        }
        if self.dtype != torch.float32:
            del calls["minseg, atomics"]  # half types always take the deterministic way
        if self.peer:
            calls["torchvision, planes"] = self.gradient(self.torchvision, self.planes, self.grad)
        return calls

    def gradient(
        self, align: Callable[[list[Tensor]], Tensor], inputs: list[list[Tensor]], grad: Tensor
    ) -> Call:
        """A call that runs the backward alone, on graphs made beforehand."""
        leaves = [[f.detach().requires_grad_() for f in maps] for maps in inputs]
        outs = [align(maps) for maps in leaves]

        def backward(i: int) -> Any:
            j = i % self.copies
            return torch.autograd.grad(outs[j], leaves[j], grad, retain_graph=True)

        return backward

    def error(self) -> float:
        """Largest difference from PyTorch's float32 operations, on the first 50 boxes."""
        w, got = self.w, self.ours(self.pixels[0])
        return max((got[k] - self.exact(k)).abs().max().item() for k in range(min(50, len(w.rois))))

    def exact(self, k: int) -> Tensor:
        level = int(self.w.levels[k])
        rule = (self.w.bins, self.w.scales[level], RATIO, self.w.aligned)
        return roi_align(
            self.planes[0][level].float(), self.rois[k : k + 1], *rule, backend="torch"
        )[0]


def rows_of(race: Race, limit: dict[str, float], rounds: int) -> list[dict[str, Any]]:
    """One row a contender and direction, with its ratio to torchvision's planes."""
    floor, rows = floors(race.w, race.dtype, limit), []
    for direction, calls in (("forward", race.forwards()), ("backward", race.backwards())):
        times = median_times(calls, rounds)
        for name, ms in times.items():
            row = {"workload": race.w.name, "dtype": str(race.dtype)[6:], "direction": direction}
            row |= {"contender": name, "ms": ms, "of_byte_floor": floor[direction] / ms}
            if direction == "forward":
                row["of_l2_floor"] = floor["forward_l2"] / ms
            if "torchvision, planes" in times:
                row["times_faster"] = times["torchvision, planes"] / ms
            rows.append(row)
    return rows


def as_line(row: dict[str, Any]) -> str:
    fractions = " · ".join(f"{k} {row[k]:.0%}" for k in row if k.startswith("of_"))
    faster = f"{row['times_faster']:6.2f}×" if "times_faster" in row else ""
    place = f"{row['workload']} {row['dtype']:8} {row['direction']:8}"
    return f"{place} {row['contender']:26} {row['ms']:8.4f} ms {faster} {fractions}"


def torchvision_or_none() -> Any:
    try:
        import torchvision
    except ImportError:
        print("torchvision is not installed: no comparison, only times and floors")
        return None
    return torchvision


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--write", action="store_true", help="write roi_align_<gpu>.json")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where to: benchmarks/results/")
    arguments = parser.parse_args()
    require_gpu("roi_align_gpu", "nothing was measured")
    from benchmarks.gpu.limits import limits

    peer = torchvision_or_none()
    limit = limits(lambda f: median_times({"": lambda _: f()}, arguments.rounds)[""])
    print({k: f"{v / 1e12:.2f} TB/s" for k, v in limit.items()})
    rows: list[dict[str, Any]] = []
    for workload in workloads():
        for dtype in (torch.float32, torch.bfloat16):
            race = Race(workload, dtype, peer)
            print(f"{workload.name} {dtype}: largest difference {race.error():.1e}")
            for row in rows_of(race, limit, arguments.rounds):
                rows.append(row)
                print(as_line(row), flush=True)
    if arguments.write:
        peer_version = {"torchvision": peer.__version__ if peer else None}
        result = peer_version | {"limits": limit, "rounds": arguments.rounds, "rows": rows}
        write_gpu_result("roi_align", result, arguments.out)


if __name__ == "__main__":
    main()
