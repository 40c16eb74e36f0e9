"""A curve to drag: judged as its pixels are, fitted on demand, its points kept in the image."""

import math

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.experiments.representations import SIZE, THINGS, specimen, write
from minseg.explore import SplineEditor
from minseg.explore.spline_editor.numbers import numbers
from minseg.explore.spline_editor.widget import FEWEST, MARGIN, MOST, START
from minseg.masks import from_bspline, from_polygons
from minseg.metrics import mask_iou

CORNERS = ((10.0, 10.0), (90.0, 10.0), (90.0, 90.0), (10.0, 90.0))


def test_the_iou_told_is_that_of_the_curve_s_pixels() -> None:
    widget = SplineEditor(thing="star", controls=CORNERS)
    curve = from_bspline(torch.tensor(CORNERS), 512)
    iou = mask_iou(specimen("star")[None], from_polygons([curve], SIZE, SIZE)[None]).item()
    assert widget.view["iou"] == iou
    assert widget.view["facts"].startswith(f"4 control points, 32 bytes: IoU {iou:.3f}")


@pytest.mark.parametrize("thing", THINGS)
def test_fit_is_the_representation_of_the_sweep(thing: str) -> None:
    widget = SplineEditor(thing=thing)
    widget.fit()
    assert len(widget.controls) == len(START)
    assert widget.view["iou"] == pytest.approx(write(specimen(thing), "B-spline", 8).iou, abs=2e-3)


def test_what_the_lesson_says_to_try_happens() -> None:
    widget = SplineEditor(thing="star")
    opening = widget.view["iou"]
    widget.fit()
    eight = widget.view["iou"]
    widget.add(0)
    widget.add(4)
    widget.fit()
    assert opening < eight < widget.view["iou"]
    fitted = widget.view["iou"]  # pull every point that lies far out a little further
    away = [math.hypot(x - 48, y - 48) for x, y in widget.controls]
    widget.controls = tuple(
        (48 + (x - 48) * 1.06, 48 + (y - 48) * 1.06) if r > 35 else (x, y)
        for (x, y), r in zip(widget.controls, away, strict=True)
    )
    assert widget.view["iou"] > fitted


def test_one_curve_can_go_round_a_ring_without_closing() -> None:
    turns = [k * 2 * math.pi / 12 for k in range(13)]
    there = [(48 + 42 * math.cos(a), 48 + 42 * math.sin(a)) for a in turns]
    back = [(48 + 23 * math.cos(a), 48 + 23 * math.sin(a)) for a in reversed(turns)]
    assert numbers("ring", (*there, *back))["iou"] > 0.9


def test_points_in_one_place_make_a_corner() -> None:
    tripled = (*CORNERS[:1] * 3, *CORNERS[1:])
    curve = from_bspline(torch.tensor(tripled), 600)
    assert (curve - torch.tensor(CORNERS[0])).norm(dim=1).min() < 1e-9


def test_add_and_remove_keep_the_others() -> None:
    widget = SplineEditor(controls=CORNERS)
    widget.add(3)  # behind the last one: between it and the first
    assert widget.controls == (*CORNERS, (10.0, 50.0))
    widget.add(0)
    assert widget.controls[1] == (50.0, 10.0)
    widget.remove(1)
    widget.remove(4)
    assert widget.controls == CORNERS
    widget.remove(0)  # four stay
    widget.add(9)  # there is no such point
    assert widget.controls == CORNERS
    for _ in range(2 * MOST):
        widget.add(0)
    assert len(widget.controls) == MOST


def test_a_message_is_answered_once() -> None:
    widget = SplineEditor(controls=CORNERS)
    drawn = widget.view["drawn"]
    ask(widget, controls=[[20, 20], *map(list, CORNERS[1:])], n=3)
    assert widget.controls[0] == (20, 20) and widget.view["answers"] == 3
    ask(widget, n=4)  # nothing new: an answer all the same
    assert widget.view["answers"] == 4
    nudge(widget)  # is no question
    assert widget.view["answers"] == 4 and widget.view["drawn"] > drawn
    ask(widget, add=0, n=5)
    assert len(widget.controls) == 5 and widget.view["answers"] == 5
    ask(widget, remove=1, n=6)
    assert len(widget.controls) == FEWEST
    ask(widget, fit=True, n=7)
    assert widget.controls != CORNERS and widget.view["answers"] == 7


def test_points_stay_near_the_image() -> None:
    widget = SplineEditor(controls=((-50, 10), (-5, 500), (90, 90), (10, 90)))
    assert widget.controls[:2] == ((-MARGIN, 10), (-5, SIZE + MARGIN))


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("controls", CORNERS[:3]),
        ("controls", CORNERS * 11),
        ("controls", ((1, math.nan), *CORNERS)),
        ("controls", ((1, 2, 3), *CORNERS)),
        ("thing", "cat"),
    ],
)
def test_what_makes_no_sense_is_refused(trait: str, value: object) -> None:
    with pytest.raises(TraitError, match=trait):
        SplineEditor(**{trait: value})


def test_the_still_picture_shows_the_present_state() -> None:
    widget = SplineEditor()
    assert "8 control points" in alt_text(widget)
    with redrawn(widget):
        widget.fit()
