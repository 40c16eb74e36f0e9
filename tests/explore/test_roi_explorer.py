"""The RoI explorer without a browser: state in traits, numbers equal to `minseg.roi`."""

import json

import pytest
import torch
import traitlets
from helpers.questions import ask, nudge
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.data import photo
from minseg.explore import RoIExplorer
from minseg.explore.roi_explorer.numbers import feature_map
from minseg.roi import bilinear_sample, roi_align, roi_average, roi_pool

EXPLORER = RoIExplorer("coins")  # one for all: making it encodes the photograph
COORDINATE = st.floats(-50, 450)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE),
    st.sampled_from([4, 8, 16, 32]),
    st.integers(1, 7),
    st.integers(0, 4),
    st.booleans(),
)
def test_shows_what_the_operators_answer(box, stride, size, ratio, aligned):
    EXPLORER.set_trait("stride", stride)
    EXPLORER.output_size, EXPLORER.sampling_ratio, EXPLORER.aligned = size, ratio, aligned
    EXPLORER.box = box
    features = feature_map(photo("coins"), stride)
    roi, scale = torch.tensor([[0, *EXPLORER.box]]), 1 / stride
    shown = {name: torch.tensor(EXPLORER.view[name]) for name in ("pool", "align", "exact")}
    expected = {
        "pool": roi_pool(features, roi, size, scale),
        "align": roi_align(features, roi, size, scale, ratio, aligned),
        "exact": roi_average(features, roi, size, scale),
    }
    for name, value in expected.items():
        torch.testing.assert_close(shown[name], value[0, 0], atol=6e-5, rtol=0)
    error = (expected["align"] - expected["exact"]).abs().mean().item()
    assert EXPLORER.view["errors"]["align"] == pytest.approx(error, abs=1e-6)
    json.dumps(EXPLORER.view)  # everything can be sent


@settings(deadline=None, max_examples=30)
@given(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE))
def test_the_box_stays_in_the_image(box):
    EXPLORER.box = box
    x1, y1, x2, y2 = EXPLORER.box
    assert 0 <= x1 < x2 <= 384 and 0 <= y1 < y2 <= 303
    assert min(x2 - x1, y2 - y1) >= 1 - 1e-9  # one image pixel, within rounding


def test_a_message_moves_box_and_point_and_is_answered_once():
    explorer = RoIExplorer("coins")
    drawn = explorer.view["drawn"]
    ask(explorer, box=[40.25, 30, 95, 88.5], point=[100, 50.5])
    assert explorer.box == (40.25, 30, 95, 88.5) and explorer.point == (100, 50.5)
    assert explorer.view["drawn"] == drawn + 1 and explorer.view["answers"] == 7
    nudge(explorer)
    assert explorer.view["drawn"] == drawn + 1


def test_the_equation_is_the_interpolation():
    explorer = RoIExplorer("coins", stride=16, point=(100.0, 50.5))
    x, y = torch.tensor([100 / 16 - 0.5]), torch.tensor([50.5 / 16 - 0.5])
    value = bilinear_sample(feature_map(photo("coins"), 16)[0], x, y).item()
    symbols, numbers = explorer.view["point"]["equation"]
    assert symbols.startswith("f(5.75, 2.66) = (1-a)(1-b)·F[2,5] + a(1-b)·F[2,6]")
    assert numbers.endswith(f"= {value:.3f}")
    terms = numbers.removeprefix("= ").rsplit(" = ", 1)[0].split(" + ")
    products = [torch.tensor([float(v) for v in term.split("·")]).prod() for term in terms]
    assert sum(products) == pytest.approx(value, abs=0.02)  # of numbers with two decimals
    assert sum(weight for *_, weight in explorer.view["point"]["neighbours"]) == pytest.approx(1)


def test_switches_of_pooling_change_what_is_rounded():
    """Box 100.8 … 155.2 at stride 16: 6.3 … 9.7 feature px."""
    explorer = RoIExplorer("coins", box=(100.8, 100.8, 155.2, 155.2))
    boxes = {}
    for rounding in ("round", "floor"):
        for inclusive in (True, False):
            explorer.rounding, explorer.inclusive = rounding, inclusive
            left, _, right, _ = explorer.view["pooled"]["box"]
            boxes[rounding, inclusive] = left / 16, right / 16
    assert boxes == {
        ("round", True): (6, 11),
        ("round", False): (6, 10),
        ("floor", True): (6, 10),
        ("floor", False): (6, 9),
    }


def test_half_a_pixel_shows_as_an_offset():
    explorer = RoIExplorer("coins", aligned=True)
    assert explorer.view["aligned"]["offset"] == pytest.approx([0, 0, 0, 0], abs=1e-4)
    explorer.aligned = False
    assert explorer.view["aligned"]["offset"] == pytest.approx([0.5, 0.5, 0.5, 0.5], abs=1e-4)


def test_the_sweep_is_a_staircase_against_a_line():
    explorer = RoIExplorer("coins", box=(104.3, 60.2, 168.3, 124.2), sweeping=True)
    pool, exact = (torch.tensor(explorer.view["sweep"][name]) for name in ("pool", "exact"))
    assert len(pool.unique()) <= 5 and len(exact.unique()) > 60
    assert explorer.view["sweep"]["exact"][40] == pytest.approx(explorer.view["exact"][1][1])
    explorer.sweeping = False
    assert "sweep" not in explorer.view


@pytest.mark.parametrize("rounding", ["round", "floor"])
@pytest.mark.parametrize("inclusive", [True, False])
def test_the_copied_code_gives_the_same_numbers(rounding, inclusive):
    explorer = RoIExplorer(
        "coins", stride=8, box=(40.3, 30.2, 95.6, 88.1), rounding=rounding, inclusive=inclusive
    )
    space: dict[str, torch.Tensor] = {}
    exec(explorer.code, space)
    for name in ("pool", "align", "exact"):
        torch.testing.assert_close(
            space[name][0, 0], torch.tensor(explorer.view[name]), atol=6e-5, rtol=0
        )


def test_the_copied_code_runs_for_a_box_of_whole_numbers():
    explorer = RoIExplorer("coins", box=(185, 105, 226, 144))  # an annotated box
    space: dict[str, torch.Tensor] = {}
    exec(explorer.code, space)
    assert space["align"].shape == (1, 1, 3, 3)


def test_near_the_box_the_window_follows_python():
    explorer = RoIExplorer("coins", box=(185, 105, 226, 144))
    assert explorer.window == (0, 0, 384, 303)
    explorer.zoom = "near"
    x1, y1, x2, y2 = explorer.window
    assert x1 < 185 and y1 < 105 and x2 > 226 and y2 > 144
    assert (x2 - x1) / (y2 - y1) == pytest.approx(384 / 303)
    explorer.box = (186, 105, 227, 144)  # still inside: the picture stays
    assert explorer.window == (x1, y1, x2, y2)
    explorer.box = (340, 260, 384, 303)
    assert explorer.window[2:] == pytest.approx((384, 303)) and explorer.window[0] > x1


def test_has_a_still_picture_with_alt_text():
    bundle, metadata = EXPLORER._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBORw0KGgo")
    assert "RoI pooling" in metadata["image/png"]["alt"]
    assert bundle["text/plain"].startswith("RoIExplorer: A box over a photograph")


def test_says_what_it_needs():
    with pytest.raises(ValueError, match="name must be one of 'coins'"):
        RoIExplorer("kitten")
    with pytest.raises(ValueError, match=r"image must be \(3, H, W\), got \(5, 5\)"):
        RoIExplorer(torch.zeros(5, 5))
    with pytest.raises(TypeError, match="image must be floating point"):
        RoIExplorer(torch.zeros(3, 5, 5, dtype=torch.uint8))
    for bad in ((1, 2, 3), (0, 0, float("nan"), 5)):
        with pytest.raises(traitlets.TraitError, match="box must be 4 finite numbers"):
            EXPLORER.box = bad
