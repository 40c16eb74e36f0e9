"""The forward kernel against float64: every box, layout, dtype and ratio, on memory full of NaN.

Collected by test_kernels.py, in a process of its own.
"""

import pytest
import torch
from helpers.peers import CASES, load, name
from helpers.problems import Guarded, Problem, assert_near, run_forward

from minseg_kernels import INTERPRETED, roi_align, roi_align_fpn
from minseg_kernels.forward import forward
from minseg_kernels.launch import Sampling
from minseg_kernels.transpose import transpose

HALF = [torch.float16, torch.bfloat16]
BORDERS = [p for p in sorted((CASES / "roi_align").glob("*.npz")) if p.name[:2] in "131519"]


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"ratio": 1, "aligned": False, "output": (1, 5), "channels": 3},
        {"ratio": 3, "sizes": ((1, 7),), "output": (1, 2), "channels": 17, "images": 1},
        {"ratio": 0, "sizes": ((9, 1),), "output": (2, 2), "channels": 1},
        {"ratio": 0, "sizes": ((2, 3),), "output": (1, 2), "kinds": ("wild", "inverted")},
        {"ratio": 0, "sizes": ((7, 5),), "aligned": False},
        {"sizes": ((11, 13), (6, 7), (3, 5))},
    ],
    ids=str,
)
def test_equals_float64(case, device, seed):
    problem = Problem(seed, **case, device=device)
    assert_near(run_forward(problem), problem.reference()[0])


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_half_types_sum_in_float32(dtype, device, seed):
    problem = Problem(seed, kinds=("inside", "across"), dtype=dtype, device=device)
    assert_near(run_forward(problem, dtype=dtype), problem.reference()[0], dtype)


def test_writes_planes_too(device, seed):
    problem = Problem(seed, kinds=("inside", "across"), device=device)
    assert_near(run_forward(problem, channels_last=False), problem.reference()[0])


@pytest.mark.parametrize("path", BORDERS, ids=name)
def test_peer_cases(path, device):
    """torchvision's recorded outputs, where its rules are least obvious: borders and inversions."""
    case, meta = load(path)
    keywords = {k: meta[k] for k in ("output_size", "spatial_scale", "sampling_ratio", "aligned")}
    rois = case["rois"][: 4 if meta["output_size"] != [1, 1] else 10]
    out = roi_align(case["input"].float().to(device), rois.float().to(device), **keywords)
    assert_near(out, case["output"][: len(rois)].double())


def test_reads_only_what_has_weight(device):
    """A NaN right beside the pixels in use, above, below, left and right, does not leak in."""
    features = torch.full((1, 4, 7, 7), torch.nan, device=device)
    features[..., 2:5, 2:5] = 1
    boxes = torch.tensor([[0, 2.0, 2, 5, 5], [0, 30, 0, 40, 7]], device=device)
    out = roi_align(features, boxes, (3, 3), 1.0, 1, True)
    assert (out[0] == 1).all() and (out[1] == 0).all()


def test_what_does_not_exist_is_nan_and_not_other_memory(device):
    features = [torch.ones(2, 3, 5, 5, device=device), torch.ones(2, 3, 5, 5, device=device)]
    boxes = torch.tensor([[0, 1.0, 1, 4, 4], [2, 1, 1, 4, 4], [-1, 1, 1, 4, 4], [1, 1, 1, 4, 4]])
    levels = torch.tensor([0, 1, 0, 2], device=device)
    out = roi_align_fpn(features, boxes.to(device), levels, 1, [1.0, 1.0], 1, True, validate=False)
    assert (out[0] == 1).all() and out[1:].isnan().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e30])
@pytest.mark.parametrize("ratio", [0, 2])
def test_boxes_that_are_no_boxes_end_and_give_zero(value, ratio, device):
    features = torch.ones(1, 2, 4, 4, device=device)
    box = torch.tensor([[0, 0, 0, value, value]], device=device)
    assert not roi_align(features, box, 1, 1.0, ratio, True, validate=False).any()


def test_transposition(device, seed):
    planes = torch.randn(2, 5, 13, 11, generator=torch.Generator().manual_seed(seed)).to(device)
    memory = Guarded((2, 13, 11, 5), device=device)
    transpose(planes, memory.tensor)
    memory.assert_untouched_around()
    assert torch.equal(memory.tensor, planes.permute(0, 2, 3, 1))


@pytest.mark.skipif(not INTERPRETED, reason="only the interpreter can count loads")
def test_bytes_moved_are_the_weights_that_are_not_zero(device, seed):
    """At most sixteen pixels for each bin, all C channels of each, and every output number once."""
    from helpers.interpreter import inside, memory_traffic

    problem = Problem(seed, kinds=("inside",), images=1)
    maps = [f.permute(0, 2, 3, 1).contiguous() for f in problem.features]
    out = torch.empty(problem.grad.shape)
    sampling = Sampling(problem.scales, problem.ratio, problem.aligned)
    with memory_traffic() as (loads, stores):
        forward(maps, problem.rois, problem.levels, out, sampling)
    assert 0 < inside(loads, maps[0]).total() <= 16 * out.numel()
    assert inside(stores, out).total() == len(inside(stores, out)) == out.numel()
