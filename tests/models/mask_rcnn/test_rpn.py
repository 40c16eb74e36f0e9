"""The proposal network: order, targets on cases done by hand, losses, proposals."""

import pytest
import torch
from helpers.seeded import seeded

from minseg.boxes import batched_nms, box_iou, decode, encode
from minseg.models.mask_rcnn.rpn import (
    RPNHead,
    anchor_targets,
    propose,
    pyramid_anchors,
    rpn_losses,
)
from minseg.models.padding import PaddedTruth


def truth_of(boxes, classes):
    return PaddedTruth(boxes, torch.tensor(classes), torch.zeros(*boxes.shape[:2], 1, 1).bool())


def test_anchors_by_hand():
    fine, coarse = pyramid_anchors([(2, 3), (1, 2)], [4, 8], scale=2, ratios=(1, 4))
    assert fine.shape == (12, 4) and coarse.shape == (4, 4)
    assert fine[0].tolist() == [-2, -2, 6, 6]  # 8 × 8 around the first cell's centre, (2, 2)
    assert fine[1].tolist() == [-6, 0, 10, 4]  # the same area, four times as wide as high
    assert fine[2].tolist() == [2, -2, 10, 6]  # the next shape is followed by the next column,
    assert fine[6].tolist() == [-2, 2, 6, 10]  # the last column by the next row
    assert coarse[2].tolist() == [4, -4, 20, 12]


def test_the_head_answers_in_the_anchors_order():
    """Features that are 0 but at one cell of each level: only the anchors there light up."""
    head = RPNHead(8, anchors=2)
    head.shared = torch.nn.Identity()
    with torch.no_grad():
        for layer in (head.objectness, head.deltas):
            layer.weight.copy_(torch.arange(1.0, layer.weight.numel() / 8 + 1)[:, None, None, None])
    pyramid = [torch.zeros(1, 8, 2, 3), torch.zeros(1, 8, 1, 2)]
    pyramid[0][0, 0, 1, 0] = 1  # second row, first column
    pyramid[1][0, 0, 0, 1] = 1
    objectness, deltas = head(pyramid)
    anchors = torch.cat(pyramid_anchors([(2, 3), (1, 2)], [4, 8], scale=1, ratios=(0.5, 1)))
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    lit = objectness[0].nonzero()[:, 0]
    assert centres[lit].tolist() == [[2, 6], [2, 6], [12, 4], [12, 4]]
    assert objectness[0, lit].tolist() == [1, 2, 1, 2]
    assert deltas[0, lit[:2]].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_targets_by_hand():
    overlaps = torch.tensor(
        [  # two things, a third that no anchor touches, a fourth that is padding
            [0.70, 0.0, 0, 0],  # above the threshold
            [0.50, 0.1, 0, 0],  # between
            [0.20, 0.25, 0, 0],  # low, but nothing fits the second thing better: both
            [0.10, 0.25, 0, 0],  # of a tie say yes
            [0.00, 0.0, 0, 0],
        ]
    )[None]
    yes, no, thing = anchor_targets(overlaps, positive=0.6, negative=0.3)
    assert yes[0].tolist() == [True, False, True, True, False]
    assert no[0].tolist() == [False, False, False, False, True]
    assert thing[0, :4].tolist() == [0, 0, 1, 1]


def test_losses_against_the_formulas():
    """All anchors drawn: the mean of BCE, and smooth L1 of the positive over the same number."""
    anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    truth = truth_of(torch.tensor([[[0.0, 0, 10, 10]]]), [[0]])
    objectness = torch.tensor([[1.0, -2.0]], requires_grad=True)
    deltas = torch.zeros(1, 2, 4)
    deltas[0, 0] = torch.tensor([0.5, 0, 0, 0.0])
    deltas[0, 1] = 9  # a negative's box teaches nothing
    losses = rpn_losses(objectness, deltas, anchors, truth, torch.rand(1, 2))
    bce = (-torch.tensor(1.0).sigmoid().log() - torch.tensor(2.0).sigmoid().log()) / 2
    torch.testing.assert_close(losses["rpn_objectness"], bce)
    torch.testing.assert_close(losses["rpn_box"], torch.tensor((0.5 - 1 / 18) / 2))
    losses["rpn_objectness"].backward()
    assert objectness.grad[0, 0] < 0 < objectness.grad[0, 1]


def test_nothing_to_find():
    anchors = torch.cat(pyramid_anchors([(4, 4)], [4]))
    truth = truth_of(torch.zeros(2, 1, 4), [[-1], [-1]])
    objectness = torch.zeros(2, len(anchors), requires_grad=True)
    deltas = torch.zeros(2, len(anchors), 4, requires_grad=True)
    losses = rpn_losses(objectness, deltas, anchors, truth, torch.rand(2, len(anchors)), count=8)
    assert losses["rpn_box"] == 0
    sum(losses.values()).backward()
    assert (objectness.grad > 0).sum() == 16 and (objectness.grad >= 0).all()  # 8 an image, all no
    assert (deltas.grad == 0).all()


def test_proposals_equal_one_image_at_a_time():
    """The batched way against top-k, decode and the package's greedy NMS in each level."""
    torch.manual_seed(0)
    anchors = pyramid_anchors([(8, 8), (4, 4)], [4, 8])
    counts = [len(a) for a in anchors]
    objectness, deltas = torch.randn(2, sum(counts)), torch.randn(2, sum(counts), 4) * 0.2
    sizes = torch.tensor([[32, 32], [20, 30]])
    boxes, real = propose(objectness, deltas, anchors, sizes, best=30, keep=25)
    for i, (height, width) in enumerate(sizes.tolist()):
        part = [
            o.topk(min(30, n)) for o, n in zip(objectness[i].split(counts), counts, strict=True)
        ]
        at = torch.cat([part[0].indices, part[1].indices + counts[0]])
        moved = decode(deltas[i, at], torch.cat(anchors)[at]).clamp(min=0)
        moved[:, 0::2].clamp_(max=width)
        moved[:, 1::2].clamp_(max=height)
        level = (at >= counts[0]).long()
        kept = batched_nms(moved, objectness[i, at], level, 0.7)
        kept = kept[(moved[kept, 2:] - moved[kept, :2]).amin(dim=1) >= 1][:25]
        torch.testing.assert_close(boxes[i][real[i]], moved[kept])


def test_proposals_lie_in_the_image_and_not_in_its_padding():
    anchors = pyramid_anchors([(8, 8)], [4])
    objectness, deltas = torch.zeros(1, 192), torch.zeros(1, 192, 4)
    boxes, real = propose(objectness, deltas, anchors, torch.tensor([[10, 32]]), best=192, keep=192)
    inside = boxes[0][real[0]]
    assert len(inside) and (inside[:, 3] <= 10).all() and (inside[:, 1] <= 9).all()
    assert boxes.shape == (1, 192, 4) and not real.all()


def test_wild_deltas_stay_finite():
    anchors = pyramid_anchors([(2, 2)], [4])
    deltas = torch.tensor([1e4, -1e4]).repeat(1, 12, 2)
    boxes, _ = propose(torch.zeros(1, 12), deltas, anchors, torch.tensor([[8, 8]]))
    assert boxes.isfinite().all()


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_network_proposes_the_things(seed):
    """Objectness and deltas set to the targets' own: every thing is among the first proposals."""
    corner = torch.rand(1, 4, 2, generator=seeded(seed)) * 40
    things = torch.cat([corner, corner + 8 + torch.rand(1, 4, 2, generator=seeded(9)) * 16], dim=2)
    anchors = pyramid_anchors([(16, 16), (8, 8)], [4, 8])
    joined = torch.cat(anchors)
    yes, _, thing = anchor_targets(box_iou(joined, things))
    deltas = encode(things[0][thing[0]], joined)[None]
    boxes, real = propose(yes.float(), deltas, anchors, torch.tensor([[64, 64]]), best=200, keep=40)
    assert box_iou(things, boxes[:, : int(real.sum())])[0].amax(dim=1).min() > 0.7


def test_products_of_matrices_are_the_convolutions_that_the_head_holds():
    torch.manual_seed(0)
    head = RPNHead(16)
    pyramid = [torch.randn(2, 16, 6, 4), torch.randn(2, 16, 3, 2)]
    objectness, deltas = [], []
    for shared in map(head.shared, pyramid):
        objectness.append(head.objectness(shared).permute(0, 2, 3, 1).flatten(1))
        deltas.append(head.deltas(shared).permute(0, 2, 3, 1).reshape(2, -1, 4))
    torch.testing.assert_close(head(pyramid), (torch.cat(objectness, 1), torch.cat(deltas, 1)))
