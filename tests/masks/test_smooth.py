"""Total variation: its count, its flow's closed forms, and what it erases."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.masks import total_variation, total_variation_loop, tv_flow


def rectangle(height, width, size=24, dtype=torch.float64):
    p = torch.zeros(size, size, dtype=dtype)
    p[5 : 5 + height, 4 : 4 + width] = 1
    return p


def test_by_hand():
    """A map of 2 × 4 values: steps of 1, 2, 0, 3 down; of 2, 1, 0 and of 3, 3, 3 to the right."""
    p = torch.tensor([[0.0, 2, 1, 1],
                      [1.0, 4, 1, 4]])  # fmt: skip
    assert total_variation_loop(p).item() == total_variation(p).item() == 6 + 3 + 9


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_equals_the_definition(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    p = torch.randn(2, height, width, generator=generator, dtype=torch.float64)
    for one, value in zip(p, total_variation(p).tolist(), strict=True):
        assert value == pytest.approx(total_variation_loop(one).item(), abs=1e-9)


def test_of_a_mask_it_counts_pixel_edges():
    assert total_variation(rectangle(3, 7)) == 2 * (3 + 7)
    assert total_variation(torch.ones(3, 7)) == 0  # the frame is no edge


@pytest.mark.parametrize(("height", "width", "weight"), [(4, 8, 0.3), (1, 9, 0.2), (12, 12, 1.5)])
def test_a_rectangle_sinks_by_edges_over_area(height, width, weight):
    edges, area = 2 * (height + width), height * width
    u = tv_flow(rectangle(height, width), weight=weight)  # the default steps are enough
    inside = rectangle(height, width) == 1
    torch.testing.assert_close(
        u[inside], torch.full((area,), 1 - weight * edges / area, dtype=u.dtype), atol=1e-3, rtol=0
    )
    rest = weight * edges / (24 * 24 - area)  # what it loses, the background wins
    assert u[~inside].mean().item() == pytest.approx(rest, abs=1e-4)


@pytest.mark.parametrize("weight", [0.05, 0.5, 5.0])
def test_no_other_map_is_better(weight):
    """The minimum of a convex function: the dual's value, a lower bound, is reached."""
    p = torch.rand(9, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    u = tv_flow(p, weight=weight, steps=5000)

    def cost(v):
        return 0.5 * (v - p).square().sum() + weight * total_variation(v)

    assert u.mean().item() == pytest.approx(p.mean().item())
    # At the minimum ⟨p − u, u⟩ = weight·TV(u), and ⟨p − u, v⟩ ≤ weight·TV(v) for every other v.
    assert ((p - u) * u).sum().item() == pytest.approx(weight * total_variation(u).item(), abs=2e-3)
    for v in (p, p.flip(0), (p > 0.5).double(), torch.full_like(p, 0.5)):
        assert ((p - u) * v).sum() <= weight * total_variation(v) + 1e-3
        assert cost(u) <= cost(v)


def test_thin_parts_vanish_as_the_weight_grows():
    """A square of 10 with an arm 2 wide: the arm goes first, then nothing is left."""
    p = rectangle(10, 10, dtype=torch.float32)
    p[9:11, 14:22] = 1
    kept = []
    for weight in (0.1, 1.0, 4.0):
        mask = tv_flow(p, weight=weight) > 0.5
        kept.append((mask[9:11, 16:22].any().item(), mask[6:14, 5:13].all().item()))
    assert kept == [(True, True), (False, True), (False, False)]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 7), st.floats(0, 1e6), st.integers(0, 40), st.integers(0, 99))
def test_stable_for_any_weight(height, weight, steps, seed):
    p = torch.rand(2, height, 5, generator=torch.Generator().manual_seed(seed))
    p[1] = 0.25 + 0.5 * (p[1] > 0.7)
    u = tv_flow(p, weight=weight, steps=steps)
    assert u.shape == p.shape and u.dtype == p.dtype
    for before, after in zip(p, u, strict=True):
        if height:  # NaN, of a weight that underflows, fails this too
            assert before.min() <= after.min() + 1e-6 and after.max() <= before.max() + 1e-6
    if steps == 0:
        assert torch.equal(u, p)


def test_maps_of_a_batch_are_apart():
    p = torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    u = tv_flow(p, weight=0.3, steps=50)
    torch.testing.assert_close(u[1, 2], tv_flow(p[1, 2], weight=0.3, steps=50))


P = torch.full((4, 5), 0.5)


@pytest.mark.parametrize(
    ("error", "words", "p", "options"),
    [
        (TypeError, "p must be a floating-point tensor, got torch.bool", P > 0, {}),
        (TypeError, "p must be a floating-point tensor, got list", [[0.5]], {}),
        (ValueError, r"p must be \(..., H, W\), got \(5,\)", P[0], {}),
        (ValueError, "p must be free of NaN", P * math.nan, {}),
        (ValueError, r"in \[0, 1\], got -0.5 to -0.5: of logits", -P, {}),
        (ValueError, "weight must be at least 0, got -1", P, {"weight": -1}),
        (ValueError, "weight must be at least 0, got nan", P, {"weight": math.nan}),
        (ValueError, "steps must be at least 0, got -2", P, {"steps": -2}),
    ],
)
def test_says_what_it_needs(error, words, p, options):
    with pytest.raises(error, match=words):
        tv_flow(p, **{"weight": 1, **options})
    if not options and "logits" not in words:
        with pytest.raises(error, match=words):
            total_variation(p)
