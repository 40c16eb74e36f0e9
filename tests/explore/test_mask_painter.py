"""The painter: what is painted, who owns it, what comes back, and that no stroke is lost."""

from typing import Any

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.seeded import seeded
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore import MaskPainter
from minseg.explore.mask_painter.numbers import HEIGHT, WIDTH, brush, example, numbers
from minseg.instances import Instances
from minseg.panoptic import from_instances, to_instances


def stroke(number: int, *points: tuple[int, int], **more: Any) -> dict[str, Any]:
    return {"number": number, "mask": 0, "points": points, "erase": False, "size": 1, **more}


def comes_back(widget: MaskPainter) -> list[str]:
    return [row[4] for row in widget.view["rows"]]


def test_a_brush_is_round_and_joins_its_points():
    assert brush([(4, 2)], 1, (6, 9)).nonzero().tolist() == [[2, 4]]
    assert brush([(4, 2)], 3, (6, 9)).sum() == 9 and brush([(4, 4)], 5, (9, 9)).sum() == 21
    line = brush([(1, 1), (7, 1)], 1, (6, 9))
    assert line[1].tolist() == [False] + [True] * 7 + [False] and line.sum() == 7
    bent = brush([(1, 1), (3, 1), (3, 4)], 1, (6, 9))
    assert bent.sum() == 6 and bent[4, 3] and not bent[4, 1]
    assert brush([(0, 0)], 3, (6, 9)).sum() == 4  # what leaves the grid is lost


@pytest.mark.parametrize("rule", ["score", "order"])
def test_what_comes_back_is_what_the_panoptic_map_gives_back(rule):
    for seed in range(8):
        masks = torch.rand(3, HEIGHT, WIDTH, generator=seeded(seed)) > 0.98
        masks[0] = masks[0] | masks[2]
        claims = Instances(masks, torch.tensor([1, 2, 1]), torch.tensor([0.3, 0.9, 0.6]))
        priority = claims.scores if rule == "score" else torch.arange(3)
        found = to_instances(from_instances(claims, priority=priority)).masks
        due = ["yes" if (found == mask).flatten(1).all(dim=1).any() else "no" for mask in masks]
        assert [row[4] for row in numbers(claims, rule)["rows"]] == due


def test_numbers_of_the_example():
    view = MaskPainter().view
    masks = example().masks
    assert view["rows"][1] == ["cat", "176", "79 %", "140", "no"]
    assert view["rows"][2] == ["dog", "36", "100 %", "0", "no"]
    assert f"{int((masks.sum(dim=0) > 1).sum())} pixels claimed twice or more" in view["facts"]
    assert view["notes"] == {
        "boxes": "1 of 3 fill their box",
        "semantic": "1 region for 3 masks",
        "panoptic": "gives 1 of 3 masks back",
        "twice": "72 pixels, at most 2 claims",
    }


def test_what_the_lesson_says_to_try_happens():
    painter = MaskPainter()
    assert comes_back(painter) == ["yes", "no", "no"]
    painter.scores = (0.9, 0.8, 0.95)
    assert comes_back(painter) == ["no", "no", "yes"]
    painter.rule = "order"
    assert comes_back(painter) == ["no", "yes", "yes"]
    painter.reset()
    painter.clear(2)
    painter.masks[1] = painter.masks[1] & ~painter.masks[0]
    for rule in ("score", "order"):
        painter.rule = rule
        painter._look()
        assert comes_back(painter) == ["yes", "yes", "–"]
        assert painter.view["notes"]["semantic"] == "1 region for 2 masks"
        assert painter.view["notes"]["panoptic"] == "gives 2 of 2 masks back"
    painter.labels = (1, 2, 2)
    assert painter.view["notes"]["semantic"] == "2 regions for 2 masks"


def test_paths_cover_the_cells_they_stand_for():
    view = MaskPainter().view
    for shape, mask in zip(view["masks"], example().masks, strict=True):
        runs = [run.removesuffix("Z") for run in shape["fill"].split("M")[1:]]
        widths = [int(run.split("H")[1].split("V")[0]) - int(run.split()[0]) for run in runs]
        assert sum(widths) == mask.sum()
    assert view["panoptic"][2]["fill"] == "" and view["panoptic"][2]["at"] == ()


def test_strokes_sent_twice_are_painted_once_and_none_is_lost():
    painter = MaskPainter()
    painter.clear(0)
    ask(painter, strokes=[stroke(1, (1, 1), (3, 1))], n=1)
    assert painter.masks[0].sum() == 3
    assert painter.view["answers"] == 1 and painter.view["done"] == 1
    again = [stroke(1, (1, 1), (3, 1)), stroke(2, (2, 1), erase=True), stroke(3, (9, 9), size=3)]
    painter.masks[0] = False  # were stroke 1 painted again, it would show
    ask(painter, strokes=again, n=2)
    assert painter.masks[0].sum() == 9 and painter.view["done"] == 3
    ask(painter, n=3)  # nothing new: an answer all the same
    assert painter.view["answers"] == 3 and painter.view["done"] == 3
    nudge(painter)  # is no question
    assert painter.view["answers"] == 3
    ask(painter, strokes=[stroke(4, mask=0, clear=True)], n=4)
    assert painter.masks[0].sum() == 0 and painter.view["done"] == 4
    ask(painter, reset=True, n=5)
    assert torch.equal(painter.masks, example().masks) and painter.view["done"] == 4


def test_painting_in_python_does_what_the_brush_does():
    painter = MaskPainter(size=1)
    painter.clear(2)
    painter.paint(2, [(20, 2), (24, 2)])
    assert painter.instances.masks[2].sum() == 5 and painter.view["rows"][2][2] == "100 %"
    painter.paint(2, [(22, 2)], erase=True)
    assert painter.instances.masks[2].sum() == 4 and painter.view["rows"][2][2] == "80 %"
    for wrong, words in (
        ((3, [(0, 0)]), "mask must be 0 to 2, got 3"),
        ((0, []), "points must be"),
    ):
        with pytest.raises(ValueError, match=words):
            painter.paint(*wrong)


def test_the_painter_leaves_what_it_was_given_alone():
    given = example()
    painter = MaskPainter(given)
    painter.clear(0)
    assert torch.equal(given.masks, example().masks)
    painter.reset()
    assert torch.equal(painter.masks, given.masks)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("scores", (0.5, 0.5)),
        ("scores", (0.5, 0.5, 1.5)),
        ("scores", (0.5, 0.5, float("nan"))),
        ("labels", (1, 2, 3)),
        ("labels", (1, 2)),
        ("rule", "luck"),
        ("size", 0),
    ],
)
def test_what_makes_no_sense_is_refused(trait, value):
    with pytest.raises(TraitError, match=trait):
        setattr(MaskPainter(), trait, value)


@pytest.mark.parametrize("shape", [(0, HEIGHT, WIDTH), (2, 5, 5)])
def test_masks_of_the_grid_and_at_least_one(shape):
    masks = torch.zeros(shape, dtype=torch.bool)
    with pytest.raises(ValueError, match=f"got {shape[0]} of {shape[1]} × {shape[2]}"):
        MaskPainter(Instances(masks, torch.ones(shape[0], dtype=torch.int64)))


@pytest.mark.slow
def test_the_still_picture_shows_the_present_state():
    painter = MaskPainter()
    assert "gives 1 back" in alt_text(painter)
    with redrawn(painter):
        painter.rule = "order"
