"""The buttons switch an explorer between conventions, and back."""

import pytest
from helpers.stills import alt_text

from minseg.explore.roi_explorer.conventions import CONVENTIONS, USUAL, RoIConventions


def test_each_button_changes_one_convention_and_the_first_none():
    widget = RoIConventions("coins", output_size=2)
    for name, changed in CONVENTIONS.items():
        widget.buttons.value = name
        assert {key: getattr(widget.explorer, key) for key in USUAL} == {**USUAL, **changed}
    widget.buttons.value = "as usual"
    assert {key: getattr(widget.explorer, key) for key in USUAL} == USUAL


def test_half_a_pixel_shows():
    widget = RoIConventions("coins", box=(185, 105, 226, 144))
    widget.buttons.value = "aligned = False"
    offset = widget.explorer.view["aligned"]["offset"]
    assert offset == pytest.approx([0.5, 0.5, 0.5, 0.5], abs=1e-4)


def test_has_a_still_picture():
    widget = RoIConventions("coins")
    assert widget.picture().startswith(b"\x89PNG")
    assert alt_text(widget).startswith("Six buttons")
