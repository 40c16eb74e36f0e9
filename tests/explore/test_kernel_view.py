"""The kernel view without a browser: what it shows is what the real kernel reads."""

import json

import pytest
import torch
from helpers.questions import ask
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

pytest.importorskip("triton", reason="Triton exists for Linux only: pip install triton")

from minseg.explore import KernelView
from minseg.explore.kernel_view.numbers import BINS, CHANNELS, COLUMNS, NUMBER, ROWS
from minseg.roi.align import axis_taps


def expected_pixels(box, row, samples):
    """Pixels with weight in one row of bins, from the CPU's own lists of taps."""
    x1, y1, x2, y2 = torch.tensor(box) - 0.5
    i, wy = axis_taps(y1[None], (y2 - y1)[None], BINS, samples, ROWS)
    j, wx = axis_taps(x1[None], (x2 - x1)[None], BINS, samples, COLUMNS)
    rows = i[0, row][wy[0, row] > 0].unique().tolist()
    columns = j[0][wx[0] > 0].unique().tolist()
    return {y * COLUMNS + x for y in rows for x in columns}


@pytest.mark.parametrize("samples", [1, 2])
def test_shows_the_pixels_that_have_weight(samples):
    view = KernelView(samples=samples)
    for program in range(9):
        k, p = divmod(program, BINS)
        loads = view.loads(program)
        assert len(loads) <= 4 * samples**2  # those of weight 0 in every bin move nothing
        shown = {pixel for load in loads for pixel in load} - {-1}
        assert shown == expected_pixels(view.boxes[k], p, samples)


def test_bytes_by_hand():
    """One RoI of 3 × 3 pixels on the grid, read in the middles of pixels: nine pixels in all."""
    view = KernelView(boxes=((2, 3, 5, 6),), samples=1)
    assert [view.loads(p) for p in range(3)] == [
        [[44 + 14 * p, 45 + 14 * p, 46 + 14 * p]] for p in range(3)
    ]
    pixel = CHANNELS * NUMBER
    assert view.bytes_moved() == {
        "asked": 3 * pixel, "distinct": 3 * pixel, "written": 3 * pixel,
        "all asked": 9 * pixel, "all distinct": 9 * pixel, "all written": 9 * pixel,
    }  # fmt: skip
    assert view.view["table"][-1] == [
        "the floor",
        "4,608",
        "1.00",
    ]


@pytest.mark.slow
def test_a_load_is_one_pixel_for_each_bin():
    view = KernelView(program=4)
    assert view.view["loads"] == 16 and len(view.view["shown"]) == 16
    view.load = 5
    assert view.view["shown"] == [view.loads(4)[4]]
    assert view.view["facts"].startswith(
        "Program 4 = 1 · 3 + 1: row 1 of RoI 1. Load 5 of 16 reads"
    )
    assert "192 numbers, 768 bytes" in view.view["facts"]
    view.samples = 1  # now there are fewer loads than five: all are shown
    assert len(view.view["shown"]) == 4


@pytest.mark.slow
def test_a_message_moves_a_box_and_is_answered():
    view = KernelView(program=0)
    before = view.view
    ask(view, roi=0, box=[2.0, 1.0, 7.0, 5.0], n=7)
    assert view.boxes[0] == (2, 1, 7, 5) and view.view["answers"] == 7
    assert view.view["shown"] != before["shown"]
    ask(view, roi=0, box=[2.0, 1.0, 7.0, 5.0], n=8)
    assert view.view["answers"] == 8
    json.dumps(view.view)


def test_boxes_stay_in_the_map():
    assert KernelView(boxes=((-3, -3, 2, 2), (13.9, 8, 30, 30))).boxes == (
        (0, 0, 2, 2),
        (13, 8, 14, 9),
    )


@pytest.mark.slow
def test_says_what_it_needs():
    view = KernelView()
    with pytest.raises(TraitError, match="program must be 0 to 8, got 9"):
        view.program = 9
    with pytest.raises(TraitError, match="each of boxes must be 4 finite numbers"):
        view.boxes = ((1, 2, 3),)
    with pytest.raises(TraitError, match="boxes must be 1 to 5 RoIs, got 0"):
        view.boxes = ()


@pytest.mark.slow
def test_has_a_still_picture_with_alt_text():
    view = KernelView(program=4)
    assert "row 1 of RoI 1" in alt_text(view)
    assert repr(view).startswith("KernelView: A map of 9 by 14 pixels with 3 RoIs")
    with redrawn(view):
        view.program = 0
