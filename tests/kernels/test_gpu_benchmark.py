"""The GPU benchmark's arithmetic, which needs no GPU: boxes, counts and floors; and its refusal."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.workloads import CHANNELS, Workload, count_bytes, floors, workloads

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("workload", workloads(), ids=lambda w: w.name)
def test_boxes_lie_inside_their_images(workload):
    H, W = (side / workload.scales[0] for side in workload.sizes[0])
    image, x1, y1, x2, y2 = workload.rois.T
    assert (x1 >= 0).all() and (y1 >= 0).all() and (x1 < x2).all() and (y1 < y2).all()
    assert (x2 <= W + 1e-3).all() and (y2 <= H + 1e-3).all()
    assert image.unique().tolist() == [0, 1] and set(workload.levels.tolist()) == set(
        range(len(workload.sizes))
    )


def test_counts_by_hand():
    """A box of 2 × 2 px whose four bins have their samples at quarters: 3 × 3 pixels are read.

    Without `aligned` it begins at 2, and its samples lie at 2.25, 2.75, 3.25, 3.75: bin 0 reads
    pixels 2 and 3, bin 1 reads 3 and 4, and a program has the columns of both bins, three.
    """
    rois = torch.tensor([[0.0, 2, 2, 4, 4], [1.0, 2, 2, 4, 4], [1.0, 2, 2, 4, 4]])
    levels = torch.zeros(3, dtype=torch.int32)
    w = Workload("", [(8, 9)], [1.0], rois, levels, bins=2, aligned=False)
    pixel = 4 * CHANNELS
    assert count_bytes(w, 4) == {
        "touched": 2 * 9 * pixel,  # once an image, however many boxes
        "read": 3 * 2 * (2 * 3) * pixel,  # boxes, rows of bins, 2 × 3 pixels each
        "out": 3 * 4 * pixel,
        "maps": 2 * 8 * 9 * pixel,
    }
    limit = {"copy_bytes_per_s": 1e9, "l2_bytes_per_s": 2e9}
    floor = floors(w, torch.float32, limit)
    assert floor["forward"] == pytest.approx((18 + 12) * pixel / 1e6)  # milliseconds
    assert floor["backward"] == pytest.approx((144 + 12) * pixel / 1e6)
    assert floor["forward_l2"] == pytest.approx(36 * pixel / 2e6)


def test_half_types_move_half_the_bytes():
    for w in workloads():
        full, half = count_bytes(w, 4), count_bytes(w, 2)
        assert all(full[k] == 2 * half[k] for k in full)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU here")
def test_without_a_gpu_it_says_so_and_writes_nothing():
    before = sorted((ROOT / "benchmarks").rglob("*.json"))
    script = [sys.executable, "benchmarks/roi_align_gpu.py", "--write"]
    result = subprocess.run(script, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 2 and "needs a CUDA GPU" in result.stdout
    assert sorted((ROOT / "benchmarks").rglob("*.json")) == before
