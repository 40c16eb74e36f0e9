"""The AP playground: verdicts and their reasons, the area, moves from the browser."""

import math

import numpy as np
import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore.ap_playground.numbers import (
    DETECTIONS,
    HEIGHT,
    RULES,
    SCORES,
    TRUTHS,
    WIDTH,
    numbers,
)
from minseg.explore.ap_playground.widget import SMALLEST, APPlayground
from minseg.metrics.ap import APAccumulator
from minseg.metrics.iou import box_overlap


def verdicts(widget: APPlayground) -> str:
    """T, F or i for each detection, in the order they are numbered."""
    of = {row["detection"]: row["verdict"][0] for row in widget.view["rows"]}
    return "".join(of[k] for k in range(len(of)))


@pytest.mark.parametrize(
    ("rule", "ap"), [("raw", 0.598), ("all", 0.614), ("101", 0.618), ("11", 0.649)]
)
def test_opens_with_the_ten_detections_that_the_lesson_works_out(rule: str, ap: float) -> None:
    widget = APPlayground(rule=rule)
    assert verdicts(widget) == "TFTTFFTFFF"
    assert widget.view["ap"] == pytest.approx(ap, abs=5e-4)
    assert f"AP {ap:.3f} ({RULES[rule]})" in widget.view["facts"]


def official(crowd: bool) -> list[float]:
    """AP at the ten thresholds by the accumulator that equals pycocotools."""
    is_crowd = torch.arange(len(TRUTHS)) == (len(TRUTHS) - 1 if crowd else -1)
    boxes = torch.tensor(DETECTIONS).double(), torch.tensor(TRUTHS).double()
    areas = [(box[:, 2:] - box[:, :2]).prod(dim=1) for box in boxes]
    labels = [torch.ones(len(box), dtype=torch.int64) for box in boxes]
    accumulator = APAccumulator("box")
    accumulator.add_overlaps(
        *(box_overlap(*boxes, is_crowd), torch.tensor(SCORES), labels[0], areas[0]),
        *(labels[1], areas[1], is_crowd),
    )
    return accumulator.result().per_threshold.tolist()


@pytest.mark.parametrize("crowd", [False, True])
def test_equals_average_precision_at_every_threshold(crowd: bool) -> None:
    for threshold, ap in zip(np.linspace(0.5, 0.95, 10), official(crowd), strict=True):
        shown = numbers(DETECTIONS, SCORES, TRUTHS, threshold=float(threshold), crowd=crowd)
        assert shown["ap"] == pytest.approx(ap, abs=1e-12)


def test_each_detection_is_told_why() -> None:
    widget = APPlayground()
    why = {row["detection"] + 1: row["why"] for row in widget.view["rows"]}
    assert why[1] == "takes A, IoU 0.92"
    assert why[2].startswith("A is taken")
    assert why[10] == "E: IoU only 0.44"
    assert why[5] == "touches no truth"
    widget.crowd = True
    why = {row["detection"] + 1: row["why"] for row in widget.view["rows"]}
    assert why[10].startswith("lies in the crowd E") and verdicts(widget)[9] == "i"


def test_what_the_lesson_says_to_try_happens() -> None:
    widget = APPlayground()
    before = widget.view["ap"]
    widget.scores = (0.97, 0.99, *SCORES[2:])  # 2 before 1: another box takes A, the same AP
    assert verdicts(widget)[:2] == "FT" and widget.view["ap"] == before
    widget.threshold = 0.6
    assert verdicts(widget)[:2] == "TF"
    widget.reset()
    widget.threshold = 0.5
    widget.scores = (0.97, 0.0, *SCORES[2:])  # an error goes to the end of the list
    assert widget.view["ap"] > before and "6 false positives" in widget.view["facts"]
    widget.reset()
    widget.detections = (*DETECTIONS[:9], TRUTHS[4])
    low = widget.view["ap"]
    widget.scores = (*SCORES[:9], 1.0)
    assert before < low < widget.view["ap"]


def test_the_area_that_is_drawn_is_the_ap_that_is_told() -> None:
    for rule in ("raw", "all"):
        corners = np.array(APPlayground(rule=rule).view["area"])
        area = (np.diff(corners[:, 0]) * corners[1:, 1]).sum()
        assert area == pytest.approx(APPlayground(rule=rule).view["ap"])
    for rule, points in (("101", 101), ("11", 11)):
        view = APPlayground(rule=rule).view
        assert len(view["stems"]) == points and view["area"] == []
        assert np.mean([height for _, height in view["stems"]]) == pytest.approx(view["ap"])


def test_a_message_moves_and_scores_and_is_answered_once() -> None:
    widget = APPlayground()
    moved = [list(box) for box in DETECTIONS]
    moved[9] = [180, 140, 280, 200]
    drawn = widget.view["drawn"]
    ask(widget, detections=moved, scores=[0.5] * 10, n=7)
    assert widget.detections[9] == (180, 140, 280, 200) and widget.scores == (0.5,) * 10
    assert widget.view["answers"] == 7
    ask(widget, n=8)  # nothing new: an answer all the same
    assert widget.view["answers"] == 8
    nudge(widget)
    assert widget.view["answers"] == 8
    ask(widget, reset=True, n=9)
    assert widget.scores == SCORES and widget.view["answers"] == 9
    assert widget.view["drawn"] > drawn
    ask(widget, detections=moved[:3], n=10)  # not as many as there are
    assert len(widget.detections) == 10


def test_boxes_stay_inside_the_image() -> None:
    boxes = ((-5, -5, 20, 20), (300, 200, 999, 999), (50, 50, 40, 50))
    widget = APPlayground(detections=boxes, scores=(0.3, 0.2, 0.1))
    assert widget.detections == (
        (0, 0, 20, 20),
        (300, 200, WIDTH, HEIGHT),
        (50, 50, 50 + SMALLEST, 50 + SMALLEST),
    )


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("detections", ((1, 2, math.nan, 4),)),
        ("truths", ((1, 2, 3),)),
        ("scores", (1.5,) * 10),
        ("scores", (math.nan,) * 10),
        ("threshold", 0.3),
        ("rule", "12"),
    ],
)
def test_what_makes_no_sense_is_refused(trait: str, value: object) -> None:
    with pytest.raises(TraitError, match=trait):
        APPlayground(**{trait: value})


def test_as_many_scores_as_detections_and_a_truth() -> None:
    with pytest.raises(ValueError, match="got 10 scores, 1 detections"):
        APPlayground(detections=DETECTIONS[:1])
    with pytest.raises(ValueError, match="0 truths"):
        APPlayground(truths=())


def test_the_still_picture_shows_the_present_state() -> None:
    widget = APPlayground()
    assert "AP 0.618" in alt_text(widget)
    with redrawn(widget):
        widget.crowd = True
