from itertools import product
from math import log, sqrt

import pytest
import torch
from helpers.seeded import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.roi.quantisation import (
    error_density,
    error_distribution,
    error_statistics,
    expected_distance,
    expected_error,
    largest_shift,
    quantise_box,
    round_half_away,
    rounding_error,
    shifted_iou,
    simulate_error,
    whole_pixel_errors,
)

CHAINS = [chain for n in (1, 2, 3) for chain in product(("floor", "round"), repeat=n)]


@pytest.mark.parametrize(
    ("steps", "mean", "mean_abs", "rms", "sd"),
    [
        (("floor",), 1 / 2, 1 / 2, 1 / sqrt(3), sqrt(1 / 12)),
        (("round",), 0, 1 / 4, sqrt(1 / 12), sqrt(1 / 12)),
        (("floor", "floor"), 1, 1, sqrt(7 / 6), sqrt(1 / 6)),
        (("round", "round"), 0, 1 / 3, sqrt(1 / 6), sqrt(1 / 6)),
        (("round", "floor"), 1 / 2, 13 / 24, sqrt(5 / 12), sqrt(1 / 6)),
        (("floor", "round"), 1 / 2, 13 / 24, sqrt(5 / 12), sqrt(1 / 6)),
    ],
)
def test_equals_the_fractions_worked_by_hand(
    steps: tuple[str, ...], mean: float, mean_abs: float, rms: float, sd: float
) -> None:
    assert expected_error(steps) == pytest.approx((mean, mean_abs, rms, sd), abs=1e-12)
    by_stride = expected_error(steps, stride=16)
    assert by_stride == pytest.approx([16 * v for v in (mean, mean_abs, rms, sd)], abs=1e-12)


@pytest.mark.parametrize("steps", CHAINS)
def test_closed_forms_equal_monte_carlo(steps: tuple[str, ...]) -> None:
    n, stride = 200_000, 8.0
    measured = simulate_error(steps, n, generator=seeded(0), stride=stride)
    # the mean of n errors has the standard error SD/√n; five of them is a one-in-a-million miss
    tolerance = 5 * expected_error(steps, stride).sd / sqrt(n)
    assert error_statistics(measured) == pytest.approx(expected_error(steps, stride), abs=tolerance)
    edges, density = error_distribution(steps, stride)
    share = torch.histogram(measured, bins=edges).hist / n
    assert share.sum() == pytest.approx(1)  # no error beyond the closed form's ends
    assert (share - density * edges.diff()).abs().max() < 5 * sqrt(0.05 / n)


@pytest.mark.parametrize("steps", CHAINS)
def test_density_integrates_to_the_statistics(steps: tuple[str, ...]) -> None:
    edges, average = error_distribution(steps, stride=4, bins_per_pixel=500)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges.diff()
    assert (average * width).sum() == pytest.approx(1, abs=1e-12)
    density = error_density(middle, steps, stride=4)
    assert torch.allclose(density, average, atol=1e-6)
    mass, exact = density * width, expected_error(steps, stride=4)
    assert (mass * middle).sum() == pytest.approx(exact.mean, abs=1e-4)
    assert (mass * middle.abs()).sum() == pytest.approx(exact.mean_abs, abs=1e-4)
    assert (mass * middle**2).sum().sqrt() == pytest.approx(exact.rms, abs=1e-4)
    outside = torch.tensor([edges[0] - 0.1, edges[-1], edges[-1] + 9])
    assert error_density(outside, steps, stride=4).abs().max() < 1e-12


def test_a_floor_makes_a_half_open_rectangle() -> None:
    density = error_density(torch.tensor([-0.01, 0.0, 0.99, 1.0]), ("floor",))
    assert density.tolist() == [0, 1, 1, 0]


def test_two_floors_make_a_triangle() -> None:
    error = torch.tensor([0.0, 0.25, 1.0, 1.75, 2.0])
    expected = torch.tensor([0.0, 0.25, 1.0, 0.25, 0.0], dtype=torch.float64)
    assert torch.allclose(error_density(error, ("floor", "floor")), expected)


def test_distance_in_the_plane() -> None:
    closed_form = (sqrt(2) + log(1 + sqrt(2))) / 3
    assert expected_distance(("floor",)) == pytest.approx(closed_form, abs=1e-6)
    assert expected_distance(("round",)) == pytest.approx(closed_form / 2, abs=1e-6)
    assert expected_distance(("floor", "floor"), stride=16) == pytest.approx(16 * 1.473, abs=0.01)
    for steps in CHAINS:
        e_x, e_y = simulate_error(steps, 200_000, generator=seeded(1)).view(2, -1)
        assert expected_distance(steps) == pytest.approx(e_x.hypot(e_y).mean().item(), abs=0.01)


@pytest.mark.parametrize("stride", [1, 4, 7, 16])
def test_whole_image_coordinates(stride: int) -> None:
    assert whole_pixel_errors(stride).tolist() == pytest.approx(range(stride))
    assert whole_pixel_errors(stride).mean() == pytest.approx((stride - 1) / 2)
    assert rounding_error(torch.tensor([37.0]), 16).item() == 5  # cell 2 begins at 32
    # a half goes up, so an even stride keeps a bias of half an image pixel, an odd one none
    bias = -0.5 if stride % 2 == 0 else 0.0
    assert whole_pixel_errors(stride, "round").mean() == pytest.approx(bias)


def test_halves_go_away_from_zero() -> None:
    x = torch.tensor([-2.5, -0.5, -0.49999997, 0.0, 0.49999997, 0.5, 1.5, 2.5, 8388609.0])
    expected = torch.tensor([-3.0, -1.0, -0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 8388609.0])
    assert torch.equal(round_half_away(x), expected)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=4, max_size=4),
    st.sampled_from(["floor", "round"]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_quantised_boxes(values: list[float], rounding: str, dtype: torch.dtype) -> None:
    box = torch.tensor(values, dtype=dtype)
    whole = quantise_box(box, rounding)
    assert whole.dtype == dtype and torch.equal(whole, whole.trunc())
    if rounding == "floor":
        assert ((whole <= box) & (box < whole + 1)).all()
    else:
        distance = (box.double() - whole.double()).abs()
        assert ((distance < 0.5) | ((distance == 0.5) & (whole.abs() > box.abs()))).all()
    many = box.expand(2, 3, 4)
    assert torch.equal(quantise_box(many, rounding), whole.expand(2, 3, 4))
    assert quantise_box(box.new_zeros(0, 4), rounding).shape == (0, 4)


def test_shifted_iou_equals_counted_pixels() -> None:
    size, shift = 32, 4
    a = torch.zeros(40, 40, dtype=torch.bool)
    b = a.clone()
    a[:size, :size] = True
    b[shift : shift + size, shift : shift + size] = True
    assert shifted_iou(size, shift).item() == pytest.approx(((a & b).sum() / (a | b).sum()).item())
    published = torch.tensor([0.884, 0.620, 0.391, 0.143], dtype=torch.float64)
    assert torch.allclose(shifted_iou(32, torch.tensor([1, 4, 8, 16])), published, atol=5e-4)
    edge_cases = shifted_iou(10.0, torch.tensor([0.0, -3.0, 3.0, 10.0, 25.0])).tolist()
    assert edge_cases == pytest.approx([1, 49 / 151, 49 / 151, 0, 0])


@settings(deadline=None)
@given(st.floats(0.01, 1e4), st.floats(0, 1))
def test_largest_shift_is_the_inverse(length: float, iou: float) -> None:
    assert shifted_iou(length, largest_shift(length, iou)).item() == pytest.approx(iou, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: quantise_box(torch.zeros(5)), r"box must be \(\.\.\., 4\).*got \(5,\)"),
        (lambda: quantise_box(torch.tensor([0, 0, 1, float("nan")])), "box must be finite"),
        (lambda: quantise_box(torch.zeros(4), "ceil"), "rounding must be.*'ceil'"),
        (lambda: expected_error("floor"), "steps must be a sequence.*'floor'"),
        (lambda: expected_error(("floor", "up")), "steps must be.*'up'"),
        (lambda: expected_error(()), "steps must name 1 to 8 steps, got 0"),
        (lambda: expected_error(("floor",), stride=0), "stride must be positive.*got 0"),
        (lambda: error_distribution(("floor",), bins_per_pixel=0), "bins_per_pixel.*got 0"),
        (lambda: shifted_iou(0, 1), "length must be positive"),
        (lambda: largest_shift(32, 1.5), r"iou must lie in \[0, 1\], got 1.5"),
    ],
)
def test_says_what_it_needs(call: object, words: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=words):
        call()


def test_refuses_integer_boxes() -> None:
    with pytest.raises(TypeError, match=r"box must be a floating-point tensor, got torch\.int64"):
        quantise_box(torch.tensor([1, 2, 3, 4]))
    with pytest.raises(TypeError, match="got list"):
        quantise_box([1.0, 2.0, 3.0, 4.0])  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rounding", ["floor", "round"])
def test_half_types_are_rounded_once(dtype, rounding):
    """1599 / 100 is 16 in float16, and 15 cells have begun."""
    x = torch.arange(2000, dtype=torch.float32).to(dtype)
    error = rounding_error(x, 100, rounding)
    assert torch.equal(error, rounding_error(x.float(), 100, rounding))
