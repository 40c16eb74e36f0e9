"""Distances between outlines: the definition, closed forms, gradients, and empty sets."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.losses import boundary_loss, chamfer_distance, hausdorff_of_points
from minseg.losses.contour import directed_distances_loop


def points(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return 10 * torch.rand(count, 2, generator=generator, dtype=torch.float64)


A, B = torch.tensor([[0.0, 0], [4, 0]]), torch.tensor([[0.0, 3], [4, 8], [4, 3]])


def test_by_hand():
    """From A to B 3 and 3; from B to A 3, 8 and 3."""
    assert directed_distances_loop(A, B).tolist() == [3, 3]
    assert directed_distances_loop(B, A).tolist() == [3, 8, 3]
    assert chamfer_distance(A, B).item() == pytest.approx(3 + 14 / 3)
    assert chamfer_distance(A, B, squared=True).item() == pytest.approx(9 + 82 / 3)
    assert hausdorff_of_points(A, B).item() == 8
    assert hausdorff_of_points(A, B, percentile=50).item() == 3


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_equals_the_definition(n, m, seed):
    a, b = points(n, seed), points(m, seed + 100)
    there, back = directed_distances_loop(a, b), directed_distances_loop(b, a)
    torch.testing.assert_close(chamfer_distance(a, b), there.mean() + back.mean())
    squares = there.square().mean() + back.square().mean()
    torch.testing.assert_close(chamfer_distance(a, b, squared=True), squares)
    torch.testing.assert_close(hausdorff_of_points(a, b), torch.maximum(there.max(), back.max()))


def test_crossing_curves_touch_and_are_yet_apart():
    """The smallest distance of a cross's two lines is 0, which no learner should minimise."""
    t = torch.linspace(-1, 1, 21, dtype=torch.float64)
    across, down = torch.stack([t, 0 * t], 1), torch.stack([0 * t, t], 1)
    assert torch.cdist(across, down).min() < 1e-12
    assert chamfer_distance(across, down).item() == pytest.approx(2 * t.abs().mean().item())
    assert hausdorff_of_points(across, down).item() == 1


def test_hd95_is_not_decided_by_a_stray_point():
    line = torch.stack([torch.arange(100.0), torch.zeros(100)], dim=1)
    stray = torch.cat([line, torch.tensor([[50.0, 30.0]])])
    assert hausdorff_of_points(line, stray).item() == 30
    assert hausdorff_of_points(line, stray, percentile=95).item() == 0


def test_the_larger_direction_counts():
    """One direction is 0, the other 9: pooled over both, the 95th percentile would be less."""
    a, b = torch.zeros(99, 2), torch.tensor([[0.0, 0.0], [9.0, 0.0]])
    assert hausdorff_of_points(a, b, percentile=95).item() == pytest.approx(9 * 0.95)
    assert hausdorff_of_points(b, a, percentile=95).item() == pytest.approx(9 * 0.95)


def test_batches_are_measured_one_by_one():
    a, b = torch.stack([points(7, 0), points(7, 1)]), torch.stack([points(5, 2), points(5, 3)])
    for distance in (chamfer_distance, hausdorff_of_points):
        each = torch.stack([distance(a[k], b[k]) for k in range(2)])
        torch.testing.assert_close(distance(a, b), each)


def test_the_gradient_pulls_points_to_the_other_set():
    a = torch.tensor([[0.0, 0.0], [5.0, 0.0]], requires_grad=True)
    b = torch.tensor([[0.0, 0.0], [5.0, 2.0]])
    chamfer_distance(a, b).backward()
    assert a.grad.tolist() == [[0, 0], [0, -1]]  # at 0 where they coincide, half from each side


def test_coincident_points_are_at_exactly_zero():
    a = 1e4 + points(60, 0)
    assert chamfer_distance(a, a).item() == 0


@pytest.mark.parametrize("distance", [chamfer_distance, hausdorff_of_points])
def test_empty_sets_are_defined(distance):
    none, some = torch.zeros(0, 2), torch.ones(3, 2)
    assert distance(none, none).item() == 0
    assert distance(none, some).item() == distance(some, none).item() == math.inf


def test_boundary_loss_by_hand_and_its_gradient():
    distances = torch.tensor([[[1.5, 0.5], [-0.5, -1.5]]])
    p = torch.tensor([[[1.0, 0.5], [0.5, 0.0]]], requires_grad=True)
    loss = boundary_loss(p, distances)
    assert loss.item() == -(1.5 + 0.25 - 0.25) / 4
    loss.sum().backward()
    assert torch.equal(p.grad, -distances / 4)


def test_boundary_loss_is_smallest_for_the_truth():
    distances = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0))
    truth = (distances > 0).float()
    others = (torch.rand(50, 4, 4, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    assert (
        boundary_loss(others, distances.expand(50, 4, 4)) > boundary_loss(truth, distances)
    ).all()


THREE, NO_BORDER = torch.ones(3, 2), torch.full((1, 3, 3), -math.inf)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (
            r"b must be points \(…, n, 2\), got \(3, 3\)",
            lambda: chamfer_distance(THREE, torch.eye(3)),
        ),
        ("same leading dimensions", lambda: chamfer_distance(THREE[None], THREE.expand(2, 3, 2))),
        ("between 0 and 100, got 101", lambda: hausdorff_of_points(THREE, THREE, percentile=101)),
        (r"must both be \(N, H, W\)", lambda: boundary_loss(THREE, THREE)),
        ("distances must be finite", lambda: boundary_loss(torch.ones(1, 3, 3), NO_BORDER)),
    ],
)
def test_says_what_it_needs(words, call):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_measured_in_float32(dtype):
    """Squares of 300 px are beyond float16."""
    a, b = 60 * points(30, 0).to(dtype), 60 * points(20, 1).to(dtype)
    for distance in (chamfer_distance, hausdorff_of_points):
        assert torch.equal(distance(a, b), distance(a.float(), b.float()))
    squared = chamfer_distance(a, b + 300, squared=True)
    assert squared.dtype == torch.float32 and squared > 65504
    p, d = points(40, 2).view(1, 8, 10).to(dtype) / 10, 300 * points(40, 3).view(1, 8, 10).to(dtype)
    assert torch.equal(boundary_loss(p, d), boundary_loss(p.float(), d.float()))
