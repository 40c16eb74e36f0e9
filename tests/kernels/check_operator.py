"""What PyTorch sees: layouts, autograd, torch.compile, autocast, and words for bad input.

Collected by test_kernels.py, in a process of its own.
"""

import pytest
import torch
from helpers.problems import Problem, assert_near

from minseg import roi
from minseg_kernels import roi_align_fpn
from minseg_kernels.operators import _roi_align


def small(seed, device, **case):
    return Problem(seed, **{"kinds": ("inside", "across"), "output": (1, 2), **case}, device=device)


def align(problem, features, **keywords):
    rule = (problem.output, problem.scales[0], problem.ratio, problem.aligned)
    return roi.roi_align(features, problem.rois, *rule, backend="triton", **keywords)


@pytest.mark.parametrize("layout", ["planes", "channels-last", "neither"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_any_layout_in(layout, deterministic, device, seed):
    problem = small(seed, device)
    x = problem.features[0]
    if layout == "channels-last":
        x = x.to(memory_format=torch.channels_last)
    if layout == "neither":
        x = torch.stack([x, x], dim=-1)[..., 0]
    x.requires_grad_()
    out = align(problem, x, deterministic=deterministic)
    exact, (exact_grad,) = problem.reference()
    assert_near(out, exact)
    assert out.is_contiguous() == (layout == "planes")
    assert_near(torch.autograd.grad(out, x, problem.grad)[0], exact_grad)


def test_gradients_of_a_pyramid(device, seed):
    problem = small(seed, device, sizes=((7, 6), (4, 3)))
    maps = [f.requires_grad_() for f in problem.features]
    rule = (problem.output, problem.scales, problem.ratio, problem.aligned)
    out = roi_align_fpn(maps, problem.rois, problem.levels, *rule)
    exact, exact_grads = problem.reference()
    assert_near(out, exact)
    for mine, grad in zip(torch.autograd.grad(out, maps, problem.grad), exact_grads, strict=True):
        assert_near(mine, grad)


def test_gradients_of_gradients(device, seed):
    """d/dg of |Aᵀg|² is 2 A Aᵀ g, also where only one level's part is asked for."""
    problem = small(seed, device, sizes=((7, 6), (4, 3)))
    maps = [f.requires_grad_() for f in problem.features]
    rule = (problem.rois, problem.levels, problem.output, problem.scales, 2, True)
    g = problem.grad.clone().requires_grad_()
    grads = torch.autograd.grad(roi_align_fpn(maps, *rule), maps, g, create_graph=True)
    for used in (grads, grads[:1]):
        (twice,) = torch.autograd.grad(sum(x.square().sum() for x in used), g, retain_graph=True)
        both = [x.detach() if i < len(used) else torch.zeros_like(x) for i, x in enumerate(grads)]
        torch.testing.assert_close(twice, 2 * roi_align_fpn(both, *rule))


@pytest.mark.parametrize("boxes", [torch.zeros(0, 5), []], ids=str)
def test_no_boxes(boxes, device):
    x = torch.randn(2, 3, 5, 7, device=device, requires_grad=True)
    boxes = boxes.to(device) if isinstance(boxes, torch.Tensor) else boxes
    out = roi.roi_align(x, boxes, (2, 3), backend="triton")
    assert out.shape == (0, 3, 2, 3)
    out.sum().backward()
    assert not x.grad.any()


def test_pytorchs_own_checks_of_an_operator(device, seed):
    """Schema, fake tensors, autograd registration and tracing, by `torch.library.opcheck`."""
    problem = small(seed, device, sizes=((5, 6), (4, 3)), output=(1, 1), channels=2, ratio=1)
    maps = [f.requires_grad_() for f in problem.features]
    scales = list(problem.scales)
    arguments = (maps, problem.rois, problem.levels, 1, 1, scales, 1, True, False)
    assert set(torch.library.opcheck(_roi_align, arguments).values()) == {"SUCCESS"}


def test_torch_compile_keeps_one_graph(device, seed):
    problem = small(seed, device)
    x = problem.features[0].requires_grad_()
    compiled = torch.compile(
        lambda x: align(problem, x, validate=False).sin(), backend="aot_eager", fullgraph=True
    )
    assert_near(compiled(x), problem.reference()[0].sin())
    assert torch.autograd.grad(compiled(x).sum(), x)[0].any()


def test_autocast_leaves_the_dtype_alone(device, seed):
    problem = small(seed, device)
    with torch.autocast(device, dtype=torch.bfloat16):
        for dtype in (torch.float32, torch.bfloat16):
            assert align(problem, problem.features[0].to(dtype)).dtype == dtype


def test_pytorchs_switch_asks_for_the_deterministic_gradient(device, seed, monkeypatch):
    problem = small(seed, device)
    called = []
    monkeypatch.setattr("minseg_kernels.operators.backward_atomic", lambda *a: called.append(1))
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    x = problem.features[0].requires_grad_()
    assert_near(
        torch.autograd.grad(align(problem, x), x, problem.grad)[0], problem.reference()[1][0]
    )
    assert not called


@pytest.mark.parametrize(
    ("error", "words", "change"),
    [
        (TypeError, "take float32, float16 and bfloat16, got torch.float64", {"double": True}),
        (TypeError, "features must be a list", {"features": torch.zeros(1, 1, 2, 2)}),
        (ValueError, "expected 2 spatial_scales, one for each level; got 1", {"scales": [1.0]}),
        (ValueError, "levels must be given", {"levels": None}),
        (
            ValueError,
            "expected 1 integer levels, one for each RoI",
            {"levels": torch.zeros(2).long()},
        ),
        (ValueError, "expected 1 integer levels, one for each RoI", {"levels": torch.zeros(1)}),
        (ValueError, "levels must be from 0 to 1, got 2 to 2", {"levels": torch.tensor([2])}),
        (ValueError, r"features\[1\] must be \(N, C, H, W\) with N, C = \(1, 2\)", {"other": 3}),
    ],
)
def test_says_what_it_needs(error, words, change, device):
    maps = [torch.zeros(1, 2, 4, 4, device=device) for _ in range(2)]
    if "other" in change:
        maps[1] = torch.zeros(1, change["other"], 4, 4, device=device)
    if "double" in change:
        maps = [m.double() for m in maps]
    levels = change.get("levels", torch.tensor([0]))
    with pytest.raises(error, match=words):
        roi_align_fpn(
            change.get("features", maps),
            torch.tensor([[0, 1.0, 1, 2, 2]], device=device),
            levels if levels is None else levels.to(device),
            1,
            change.get("scales", [1.0, 0.5]),
            validate=True,
        )


def test_adaptive_bins_too_large_are_refused(device):
    """The second box is as large as the first, and its level four times as coarse."""
    maps = [torch.zeros(1, 1, 4, 4, device=device) for _ in range(2)]
    boxes = torch.tensor([[0.0, 0, 0, 1e8, 1], [0, 0, 0, 1e8, 1]], device=device)
    levels = torch.tensor([1, 0], device=device)
    rule = (boxes, levels, 2, [1.0, 0.25])
    with pytest.raises(ValueError, match=r"at most 16777216 feature pixels in a bin .* in row 1"):
        roi_align_fpn(maps, *rule, validate=True)
    assert not roi_align_fpn(maps, *rule, 1, validate=True).any()


def test_maps_too_large_are_refused():
    from minseg_kernels import obstacle

    huge = torch.empty(1, 1, 1).expand(2**10, 2**11, 2**11)[None]  # 2³² values, 4 bytes
    long = torch.empty(1, 1, 1, 1).expand(1, 1, 1, 2**25)
    assert "2**31" in str(obstacle([huge])) and "2**24" in str(obstacle([long]))
