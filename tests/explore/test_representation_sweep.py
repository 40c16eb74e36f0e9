"""The sweep over budgets: pixels drawn as they are, and a price list beside them."""

import re

import numpy as np
import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.experiments.representations import SIZE, THINGS, specimen, sweep
from minseg.explore import RepresentationSweep
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.representation_sweep.numbers import exact_bytes, numbers
from minseg.masks import decode_rle, encode_rle


def filled(path: str) -> torch.Tensor:
    """The pixels that the rectangles of an SVG path cover."""
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    for a, i, b, low in re.findall(r"M(\d+) (\d+)H(\d+)V(\d+)H\1Z", path):
        assert int(low) == int(i) + 1 and not mask[int(i), int(a) : int(b)].any()
        mask[int(i), int(a) : int(b)] = True
    return mask


@pytest.mark.parametrize("thing", THINGS)
def test_exact_bytes_are_those_of_run_lengths(thing: str) -> None:
    rle = encode_rle(specimen(thing), compressed=True)
    assert torch.equal(decode_rle(rle), specimen(thing))
    assert exact_bytes(thing) == len(rle["counts"])


def test_paths_are_the_pixels_kept_lost_and_added() -> None:
    view, one = numbers("star", "B-spline", 3), sweep("star", "B-spline")[3]
    truth = specimen("star")
    assert torch.equal(filled(view["kept"]), truth & one.mask)
    assert torch.equal(filled(view["missed"]), truth & ~one.mask)
    assert torch.equal(filled(view["added"]), one.mask & ~truth)
    assert pixels_path(torch.zeros(4, 5, dtype=torch.bool)) == ""


def test_the_view_tells_the_price_list_and_the_topology() -> None:
    view = RepresentationSweep(thing="ring", kind="Fourier", step=4).view
    steps = sweep("ring", "Fourier")
    assert view["points"] == [[one.size, one.iou, one.boundary_iou] for one in steps]
    rows = dict(view["rows"])
    assert rows["the mask has"] == "1 part, 1 hole"
    assert rows["what comes back has"] == "1 part, 0 holes"
    assert rows["bytes"] == str(8 * 11) and "5 harmonics" in view["what"]
    assert f"IoU {steps[4].iou:.3f}" in view["facts"]


def test_a_message_moves_the_budget_and_is_answered_once() -> None:
    widget = RepresentationSweep()
    drawn = widget.view["drawn"]
    ask(widget, step=2, n=7)
    assert widget.step == 2 and widget.view["step"] == 2 and widget.view["answers"] == 7
    nudge(widget)  # is no question
    assert widget.view["answers"] == 7 and widget.view["drawn"] > drawn
    ask(widget, step=999, n=8)  # beyond the last budget
    assert widget.view["step"] == len(widget.view["points"]) - 1
    ask(widget, step=-3, n=9)
    assert widget.view["step"] == 0 and widget.view["answers"] == 9


@pytest.mark.parametrize(("trait", "value"), [("thing", "cat"), ("kind", "words"), ("step", -1)])
def test_what_makes_no_sense_is_refused(trait: str, value: object) -> None:
    with pytest.raises(TraitError, match=trait):
        RepresentationSweep(**{trait: value})


def test_the_still_picture_shows_the_present_state() -> None:
    widget = RepresentationSweep(thing="disc", step=5)
    assert f"IoU {np.round(sweep('disc', 'binary grid')[5].iou, 3)}" in alt_text(widget)
    with redrawn(widget):
        widget.step = 0
