"""The box on the grid: errors of each step by hand, and all of them by their closed form."""

import math

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore.quantisation_box.widget import IMAGE, SMALLEST, QuantisationBox
from minseg.roi.quantisation import error_statistics, expected_error, quantise_box


def test_moving_the_box_shows_the_error_of_its_corner() -> None:
    widget = QuantisationBox()
    widget.box = (37.0, 70.6, 149.4, 180.2)  # at stride 16: 2.3125 and 4.4125
    assert widget.view["rounded"] == [32, 64, 144, 176]
    assert widget.view["table"] == [["step 1, corner", "0.31", "0.41", "5.0", "6.6"]]
    widget.first = "round"
    assert widget.view["rounded"] == [32, 64, 144, 176]
    widget.box = (41.0, 70.6, 153.4, 180.2)  # 2.5625 is now nearer to 3
    assert widget.view["table"] == [["step 1, corner", "-0.44", "0.41", "-7.0", "6.6"]]
    expected = 16 * quantise_box(torch.tensor(widget.box, dtype=torch.float64) / 16, "round")
    assert widget.view["rounded"] == expected.tolist()


def test_the_second_step_starts_from_the_rounded_corner() -> None:
    widget = QuantisationBox(second="floor", box=(37.0, 64.0, 77.0, 128.0))
    # x: corner 2.3125 → 2, half a box is 1.25 wide, 3.25 → 3; y: 4 → 4, half a box 2, 6 → 6
    assert widget.view["table"][1] == ["step 2, middle line", "0.25", "0.00", "4.0", "0.0"]
    assert widget.view["table"][2] == ["both steps", "0.56", "0.00", "9.0", "0.0"]
    assert widget.view["middle"] == [57, 96] and widget.view["landed"] == [48, 96]


@pytest.mark.parametrize("stride", [4, 8, 16, 32])
@pytest.mark.parametrize(("first", "second"), [("round", "none"), ("floor", "round")])
def test_dropped_boxes_follow_the_closed_form(first: str, second: str, stride: int) -> None:
    widget = QuantisationBox(first=first, second=second, stride=stride)
    widget.drop(20_000)
    tolerance = 5 * expected_error(widget.steps).sd / math.sqrt(40_000)
    measured = error_statistics(widget.errors)
    assert measured == pytest.approx(expected_error(widget.steps), abs=tolerance)
    assert sum(widget.view["bars"]) / 10 == pytest.approx(1)  # bars are a tenth of a pixel wide


def test_the_histogram_keeps_every_error_until_the_law_changes() -> None:
    widget = QuantisationBox()
    widget.box = (1.0, 2.0, 30.0, 40.0)
    widget.stride = 8
    assert len(widget.errors) == 6 and widget.view["facts"].startswith("6 errors")
    widget.second = "round"
    assert len(widget.errors) == 2
    ask(widget, drop=7)
    assert len(widget.errors) == 16
    ask(widget, clear=True)
    assert len(widget.errors) == 2


def test_two_widgets_of_one_seed_drop_the_same_boxes() -> None:
    a, b, c = QuantisationBox(seed=3), QuantisationBox(seed=3), QuantisationBox(seed=4)
    for widget in (a, b, c):
        widget.drop(5)
    assert torch.equal(a.errors, b.errors) and not torch.equal(a.errors, c.errors)


def test_a_message_moves_the_box_and_is_answered() -> None:
    widget = QuantisationBox()
    ask(widget, box=[10.0, 20.0, 50.0, 60.0], n=7)
    assert widget.box == (10, 20, 50, 60) and widget.view["answers"] == 7
    before = widget.view
    ask(widget, box=[10.0, 20.0, 50.0, 60.0], n=8)  # the same place: an answer all the same
    assert widget.view != before and widget.view["answers"] == 8
    assert len(widget.errors) == 4  # and met once only
    nudge(widget)
    assert widget.view["drawn"] == before["drawn"] + 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((-5, -5, 20, 20), (0, 0, 20, 20)),
        ((200, 200, 999, 999), (200, 200, IMAGE, IMAGE)),
        ((50, 50, 40, 50), (50, 50, 50 + SMALLEST, 50 + SMALLEST)),
        ((400, 0, 500, 20), (IMAGE - SMALLEST, 0, IMAGE, 20)),
    ],
)
def test_the_box_stays_inside_the_image(given: tuple[int, ...], kept: tuple[float, ...]) -> None:
    assert QuantisationBox(box=given).box == kept


@pytest.mark.parametrize("box", [(1, 2, math.nan, 4), (1, 2, 3), (0, 0, math.inf, 9)])
def test_a_box_that_is_none_is_refused(box: tuple[float, ...]) -> None:
    widget = QuantisationBox()
    with pytest.raises(TraitError, match="box"):
        widget.box = box
    with pytest.raises(TraitError, match="stride"):
        widget.stride = 5


@pytest.mark.slow
def test_the_still_picture_shows_the_present_state() -> None:
    widget = QuantisationBox()
    assert alt_text(widget) == widget.alt
    with redrawn(widget):
        widget.box = (100.0, 100.0, 200.0, 220.0)
