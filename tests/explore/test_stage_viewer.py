"""The stage viewer: one RoI through all stages, and what the heads say of a box moved by hand."""

import math
from typing import Any

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.data import SceneDataset
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.explore.stage_viewer.widget import STAGES, StageViewer, coins_scene
from minseg.models import MaskRCNN, load_coins
from minseg.train import Example

SMALL: dict[str, Any] = {"widths": (8, 8, 8, 8), "channels": 8, "box_width": 16, "mask_width": 8}


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    return load_coins()


@pytest.fixture
def viewer(model) -> StageViewer:
    return StageViewer(model)


@pytest.fixture
def untrained() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(**SMALL)


def test_no_coin_is_cut():
    boxes = coins_scene().instances.boxes
    height, width = coins_scene().image.shape[1:]
    assert len(boxes) == 12
    assert (boxes[:, :2] >= 1).all() and (boxes[:, 2:] < torch.tensor([width, height])).all()


def test_dragging_asks_the_heads_and_choosing_another_puts_it_back(viewer):
    kept = viewer.view
    assert not kept["moved"] and kept["lines"]["boxes"].endswith("kept")
    viewer.box = (150, 45, 200, 80)  # between the coins
    assert viewer.view["moved"] and viewer.view["proposal"] == [150, 45, 200, 80]
    assert "moved by hand" in viewer.view["lines"]["anchors"]
    assert viewer.view["mask"] != kept["mask"]
    viewer.chosen += 1
    assert viewer.box == () and not viewer.view["moved"]
    viewer.chosen -= 1
    drawn = ("proposal", "refined", "mask", "lines", "scores")
    assert all(viewer.view[name] == kept[name] for name in drawn)


def test_the_heads_know_the_ground_from_a_coin(viewer):
    (name, ground), (other, _) = viewer.view["scores"][::-1]
    assert (name, other) == ("background", "coin") and ground < 0.01
    viewer.box = (40, 100, 60, 165)  # dark ground
    assert viewer.view["scores"][1][1] > 0.9
    assert viewer.view["lines"]["boxes"].endswith("below ½, dropped")


def test_every_stage_is_told_of_the_same_roi(model, viewer):
    scene = coins_scene()
    walk = MaskRCNNTrace(model, scene.image, scene.instances)
    for stage, title in STAGES.items():
        viewer.stage = stage
        number = f"RoI {viewer.chosen + 1} of {len(walk.proposal)}"
        assert viewer.view["facts"] == f"{number}, {title}: {viewer.view['lines'][stage]}"
        assert len(viewer.rois[stage]) == len(walk.proposal)
    level = int(walk.heads.level[viewer.chosen])
    assert f"stride {(4, 8, 16)[level]} " in viewer.view["lines"]["masks"]


def test_cells_fill_the_refined_box(viewer):
    x1, y1, x2, y2 = viewer.view["refined"]
    for name, low, high in (("columns", x1, x2), ("rows", y1, y2)):
        edges = viewer.view[name]
        assert len(edges) == 15 and edges == sorted(edges)
        assert edges[0] == pytest.approx(low, abs=0.01)
        assert edges[-1] == pytest.approx(high, abs=0.01)


def test_a_message_is_answered_once(viewer):
    sent: list[int] = []
    viewer.observe(lambda change: sent.append(change["new"]["answers"]), ["view"])
    ask(viewer, box=[20, 30, 50, 60], n=7)
    assert viewer.box == (20, 30, 50, 60) and viewer.view["moved"]
    ask(viewer, box=[], n=8)
    assert viewer.box == () and not viewer.view["moved"]
    nudge(viewer)
    ask(viewer, box=[], n=9)  # nothing has changed
    assert sent == [7, 8, 9], "one view for each question"


def test_boxes_stay_inside_and_numbers_among_the_rois(viewer):
    viewer.box = (-5, 220, 300, 10)
    assert viewer.box == (0, 220, 240, 222)
    for asked, got in ((-1, 0), (10_000, len(viewer.trace.proposal) - 1)):
        viewer.chosen = asked
        assert viewer.chosen == got
    for wrong in ((1, 2, 3), (1, 2, math.nan, 4)):
        with pytest.raises(TraitError, match="box must be 4 finite numbers"):
            viewer.box = wrong
    with pytest.raises(TraitError):
        viewer.stage = "boxen"


@pytest.mark.slow
def test_an_untrained_model_and_a_scene_without_things(untrained):
    scene = SceneDataset("val")[0]
    assert StageViewer(untrained, scene).masks == ()
    empty = StageViewer(untrained, Example(scene.image, scene.instances[:0]))
    assert "touches no thing" in empty.view["lines"]["samples"]
    assert empty.picture().startswith(b"\x89PNG")


def test_says_what_it_needs(model):
    with pytest.raises(ValueError, match="must propose at least one box"):
        StageViewer(MaskRCNN(**SMALL, proposals=(4, 0)), SceneDataset("val")[0])
    with pytest.raises(ValueError, match=r"labels must be among the model's classes \(9,\)"):
        StageViewer(model, SceneDataset("val")[0])


@pytest.mark.slow
def test_the_still_picture_shows_the_chosen_roi(viewer):
    assert viewer.view["facts"] in alt_text(viewer)
    told = repr(viewer)
    with redrawn(viewer):
        viewer.chosen += 5
    assert repr(viewer) == told, "what a model has learnt differs between machines"
