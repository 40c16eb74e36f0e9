"""The trace of a RoI says what the model itself does, stage by stage."""

from typing import Any

import pytest
import torch

from minseg.boxes import clip_boxes, decode_boxes
from minseg.data import SceneDataset
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.explore.stage_viewer.widget import coins_scene
from minseg.models import MaskRCNN, load_coins
from minseg.models.mask_rcnn.rpn import propose
from minseg.models.padding import pad_images

SMALL: dict[str, Any] = {"widths": (8, 8, 8, 8), "channels": 8, "box_width": 16, "mask_width": 8}


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    return load_coins()


@pytest.fixture(scope="module")
def trace(model) -> MaskRCNNTrace:
    scene = coins_scene()
    return MaskRCNNTrace(model, scene.image, scene.instances)


@pytest.fixture
def untrained() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(**SMALL)


def test_each_proposal_is_its_own_anchor_moved_by_its_own_deltas(model, trace):
    batch, sizes = pad_images(trace.image[None], 16)
    with torch.no_grad():
        _, anchors, objectness, deltas = model.first_stage(batch)
        boxes, real = propose(objectness, deltas, anchors, sizes, keep=100)
    assert torch.equal(trace.proposal, boxes[0][real[0]])
    moved = clip_boxes(decode_boxes(trace.deltas, trace.anchor)[None], sizes)[0]
    torch.testing.assert_close(moved, trace.proposal, rtol=0, atol=1e-3)
    assert (trace.objectness.diff() <= 0).all(), "best first"
    assert torch.equal(trace.anchor[0], torch.cat(anchors)[objectness[0].argmax()])
    side = (trace.anchor[:, 2:] - trace.anchor[:, :2]).prod(dim=1).sqrt()
    assert torch.allclose(side, torch.tensor([10.0, 20, 40])[trace.level])


def test_roles_are_those_of_training(trace):
    overlap, _ = trace.iou(trace.proposal)
    positives, others = overlap[trace.role == 1], overlap[trace.role == 0]
    assert (positives >= 0.5).all() and (others < 0.5).all()
    assert 0 < len(positives) <= 8 and len(others) == 24  # the other positives are true boxes


def test_what_is_kept_is_what_the_model_predicts(model, trace):
    due = model.predict(trace.image[None], score_threshold=0.5)[0]
    masks = trace.masks[trace.kept]
    order = trace.heads.scores[trace.kept, 0].argsort(descending=True)
    assert len(due) == 12 and torch.equal(masks[order], due.masks)


def test_an_untrained_model_keeps_what_it_predicts(untrained):
    with torch.no_grad():
        untrained.box_head.classes.weight.mul_(3000)  # sure of itself, in several classes
    scene = SceneDataset("val")[0]
    trace = MaskRCNNTrace(untrained, scene.image, scene.instances)
    due = untrained.predict(scene.image[None], score_threshold=0.5)[0]
    assert len(due.labels.unique()) == 3 and not trace.masks.any(dim=2).any(dim=1).all()
    assert sorted(trace.heads.best[trace.kept] + 1) == sorted(due.labels)


def test_a_box_moved_by_hand_gets_the_answer_that_a_proposal_there_would(trace):
    for k in (0, len(trace.proposal) - 1):
        alone = trace.ask(trace.proposal[k : k + 1])
        for mine, all_of_them in zip(alone, trace.heads, strict=True):
            torch.testing.assert_close(mine[0], all_of_them[k], rtol=1e-3, atol=1e-3)
