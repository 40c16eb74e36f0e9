"""The board of losses: rows, bars since the mark, and the push that is drawn."""

import math
from typing import Any

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.experiments.loss_pair import (
    HEIGHT,
    LOSSES,
    OF_DISTANCES,
    OF_LOGITS,
    WIDTH,
    MaskTruth,
    disc,
    push,
)
from minseg.explore.loss_board.widget import DISCS, LARGEST, SMALLEST, TRUE_DISC, LossBoard

TRUTH = MaskTruth.of(disc(*TRUE_DISC) > 0)


def row(widget: LossBoard, name: str) -> dict[str, Any]:
    return next(one for one in widget.view["rows"] if one["name"] == name)


def test_shows_every_loss_and_the_push_of_one() -> None:
    widget = LossBoard(loss="boundary")
    assert [one["name"] for one in widget.view["rows"]] == list(LOSSES)
    assert len(widget.view["field"]) == len(widget.view["probability"]) == HEIGHT * WIDTH
    field = torch.frombuffer(bytearray(widget.view["field"]), dtype=torch.uint8)
    due = push("boundary", widget.prediction, TRUTH).flatten()
    strong = due.abs() > 0.02 * due.abs().max()
    assert ((field.int() > 128) == (due > 0))[strong].all()
    assert {len(OF_LOGITS), len(OF_DISTANCES)} == {7, 2}
    assert widget.view["unit"] == "logit"
    widget.loss = "SDF L1"
    assert widget.view["unit"] == "distance"


def test_a_board_of_some_losses_lists_those_in_their_order() -> None:
    widget = LossBoard(losses=("Dice, linear", "BCE", "Chamfer"))
    assert [one["name"] for one in widget.view["rows"]] == ["Dice, linear", "BCE", "Chamfer"]
    assert row(widget, "BCE") == row(LossBoard(), "BCE")


def test_a_bar_counts_doublings_since_the_mark() -> None:
    widget = LossBoard(discs=((36, 24, 12), DISCS[1]))  # moved by 8
    assert {one["bar"] for one in widget.view["rows"]} == {0}
    widget.discs = ((32, 24, 12), DISCS[1])  # moved by 4: half as far
    assert row(widget, "Hausdorff")["bar"] == pytest.approx(-1 / 3, abs=0.05)
    change = row(widget, "Hausdorff")["change"].replace("−", "-")
    assert float(change) == pytest.approx(-4, abs=0.2)
    widget.discs = (TRUE_DISC, DISCS[1])
    assert row(widget, "hard IoU")["bar"] == -1
    assert row(widget, "boundary")["bar"] < -0.3  # counted from its least value, not from 0
    widget.mark()
    assert {one["change"] for one in widget.view["rows"]} == {"+0.000"}
    widget.discs = ((28, 24, 12 - 1e-6), DISCS[1])  # never "−0.000"
    assert {one["change"] for one in widget.view["rows"]} == {"+0.000"}
    widget.blob = True
    assert row(widget, "hard IoU")["bar"] == 1 and row(widget, "BCE")["bar"] > 0


def test_hole_blob_and_edge_change_the_prediction() -> None:
    widget = LossBoard(discs=((28, 24, 12), (57, 41, 3)))
    whole = widget.prediction.distances > 0
    widget.blob = widget.hole = True
    changed = (widget.prediction.distances > 0) ^ whole
    assert changed[24, 28] and changed[41, 57] and not changed[24, 36]
    assert changed.sum() == pytest.approx(math.pi * (4**2 + 3**2), rel=0.1)
    widget.softness = 4.0
    assert torch.allclose(widget.prediction.logits, widget.prediction.distances / 4)


def test_a_message_is_answered_once() -> None:
    widget = LossBoard()
    ask(widget, discs=[[30, 20, 10], [50, 40, 4]], n=7)
    assert widget.discs == ((30, 20, 10), (50, 40, 4)) and widget.view["answers"] == 7
    ask(widget, n=8)  # nothing new: an answer all the same
    assert widget.view["answers"] == 8
    nudge(widget)  # is no question
    assert widget.view["answers"] == 8
    ask(widget, mark=True, n=9)
    assert row(widget, "BCE")["bar"] == 0 and widget.view["answers"] == 9
    widget.hole = True
    assert row(widget, "BCE")["bar"] > 0
    ask(widget, reset=True, n=10)
    assert widget.discs == DISCS and not widget.hole and widget.view["answers"] == 10
    assert row(widget, "BCE")["bar"] == 0


def test_discs_stay_in_reach() -> None:
    widget = LossBoard(discs=((-5, 999, 0), (10, 10, 99)))
    assert widget.discs == ((0, HEIGHT, SMALLEST), (10, 10, LARGEST))


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("discs", ((1, 2, 3),)),
        ("discs", ((1, 2, math.nan), (1, 2, 3))),
        ("softness", 0.1),
        ("loss", "Chamfer"),
        ("losses", ("BCE", "bce")),
        ("losses", ()),
    ],
)
def test_what_makes_no_sense_is_refused(trait: str, value: object) -> None:
    with pytest.raises(TraitError, match=trait):
        LossBoard(**{trait: value})


def test_what_the_lesson_says_to_try_happens() -> None:
    widget = LossBoard(discs=(TRUE_DISC, DISCS[1]))
    assert "(28.0, 24.0), radius 12.0: 0 pixels wrong" in widget.view["facts"]
    soft = {name: row(widget, name)["value"] for name in ("BCE", "Hausdorff")}
    assert soft["BCE"] != "0.000"
    widget.softness = 0.25
    assert float(row(widget, "BCE")["value"]) < float(soft["BCE"])
    far = LossBoard(discs=((56, 24, 6), DISCS[1]), softness=0.25)
    shares = {}
    for loss in ("BCE", "Dice, squared"):
        inside = push(loss, far.prediction, TRUTH)[24, 28]
        shares[loss] = float(inside / push(loss, far.prediction, TRUTH).abs().max())
    assert shares["BCE"] == pytest.approx(1) and shares["Dice, squared"] < 1e-3


def test_the_still_picture_shows_the_present_state() -> None:
    widget = LossBoard()
    assert "258 pixels wrong" in alt_text(widget)
    with redrawn(widget):
        widget.loss = "boundary"
