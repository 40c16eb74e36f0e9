"""The second stage: what is sampled, from where it is read, and what each loss judges."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minseg.boxes import encode
from minseg.masks import to_grid
from minseg.models import BoxHead, MaskHead
from minseg.models.mask_rcnn.roi_heads import (
    BOX_WEIGHTS,
    SampledRois,
    class_and_box_losses,
    mask_loss,
    mask_targets,
    read_pyramid,
    sample_proposals,
)
from minseg.models.padding import PaddedTruth
from minseg.roi import roi_align, roi_pool, roi_warp


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("options, count", [({}, 2_643_280), ({"class_agnostic": True}, 2_622_977)])
def test_the_standard_mask_head_counts_exactly(options, count):
    head = MaskHead(**options)
    assert parameters(head) == count
    assert head(torch.zeros(2, 256, 14, 14)).shape == (2, 80 if count > 2_640_000 else 1, 28, 28)


def test_a_mask_head_for_training_from_scratch():
    head = MaskHead(8, 16, 2, 3, norm=True)
    assert parameters(head) == 8 * 16 * 9 + 16 * 16 * 9 + 2 * 32 + 16 * 16 * 4 + 16 + 16 * 3 + 3
    assert head(torch.zeros(0, 8, 14, 14)).shape == (0, 3, 28, 28)


def test_a_box_head_answers_for_every_class_and_background():
    logits, deltas = BoxHead(8, 7, width=16, classes=5)(torch.rand(4, 8, 7, 7))
    assert logits.shape == (4, 6) and deltas.shape == (4, 5, 4)


def test_sampling_by_hand():
    things = torch.tensor([[[0.0, 0, 10, 10], [20, 20, 40, 40]], [[0, 0, 0, 0], [0, 0, 0, 0]]])
    truth = PaddedTruth(things, torch.tensor([[2, 0], [-1, -1]]), torch.zeros(2, 2, 1, 1).bool())
    boxes = torch.tensor(
        [
            [[0.0, 0, 10, 9], [20, 20, 40, 30], [22, 20, 40, 29], [0, 0, 10, 10]],
            [[0, 0, 9, 9], [5, 5, 9, 9], [1, 1, 2, 2], [0, 0, 0, 0]],
        ]
    )
    real = torch.tensor([[True, True, True, False], [True, True, True, False]])
    priorities = torch.tensor([[0.1, 0.2, 0.3, 0.9], [0.5, 0.1, 0.2, 0.9]])
    sample = sample_proposals(boxes, real, truth, priorities, classes=3, count=4, fraction=0.5)
    assert sample.rois[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert sample.classes.tolist() == [2, 0, 3, 3, 3, 3]  # IoU .9, .5 and .405; then background
    assert sample.things[:2].tolist() == [0, 1]
    assert torch.equal(sample.rois[:, 1:], boxes[real])
    few = sample_proposals(boxes, real, truth, priorities, classes=3, count=2, fraction=0.5)
    assert few.classes.tolist() == [0, 3, 3, 3]  # the larger priority wins; the quota is filled up
    assert few.rois[2:, 1].tolist() == [0, 1]


@pytest.mark.parametrize("roi_op, operator", [("align", roi_align), ("warp", roi_warp)])
def test_each_roi_is_read_from_its_own_level(roi_op, operator):
    """In mixed order, against one RoI at a time: below 80 px the finest, below 160 the next."""
    torch.manual_seed(0)
    pyramid = [torch.rand(2, 3, 64 // 2**k, 64 // 2**k) for k in range(3)]
    sides = torch.tensor([90.0, 20, 170, 79, 81, 5, 240])
    levels = [1, 0, 2, 0, 1, 0, 2]
    image = torch.tensor([0.0, 1, 1, 0, 1, 0, 0])
    rois = torch.stack([image, sides * 0 + 3, sides * 0 + 2, sides + 3, sides + 2], dim=1)
    grids = read_pyramid(pyramid, (4, 8, 16), rois, 5, cells=10, roi_op=roi_op)
    for grid, roi, level in zip(grids, rois, levels, strict=True):
        options = {"aligned": True} if roi_op == "align" else {}
        expected = operator(pyramid[level], roi[None], 5, 1 / (4 * 2**level), 2, **options)
        torch.testing.assert_close(grid[None], expected)


def test_pooling_reads_by_roi_pool():
    pyramid, roi = [torch.rand(1, 2, 16, 16)], torch.tensor([[0.0, 5, 6, 40, 50]])
    expected = roi_pool(pyramid[0], roi, 7, 1 / 4)
    assert torch.equal(read_pyramid(pyramid, (4,), roi, 7, roi_op="pool"), expected)
    with pytest.raises(ValueError, match="'align', 'pool' or 'warp', got 'crop'"):
        read_pyramid(pyramid, (4,), roi, 7, roi_op="crop")


def test_reading_is_float32_under_autocast():
    pyramid = [torch.rand(1, 2, 16, 16).bfloat16()]
    with torch.autocast("cpu", torch.bfloat16):
        grids = read_pyramid(pyramid, (4,), torch.tensor([[0.0, 5, 6, 40, 50]]), 7)
    assert grids.dtype == torch.float32


def test_class_and_box_losses_against_the_formulas():
    things = torch.tensor([[[0.0, 0, 10, 10], [20, 20, 40, 40]]])
    truth = PaddedTruth(things, torch.tensor([[1, 0]]), torch.zeros(1, 2, 1, 1).bool())
    rois = torch.tensor([[0.0, 1, 0, 10, 10], [0, 50, 50, 60, 60], [0, 20, 22, 40, 40]])
    sample = SampledRois(rois, torch.tensor([1, 2, 0]), torch.tensor([0, 0, 1]))
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    deltas = torch.zeros(3, 2, 4, requires_grad=True)
    losses = class_and_box_losses(logits, deltas, sample, truth)
    torch.testing.assert_close(losses["class"], F.cross_entropy(logits, sample.classes))
    moves = encode(things[0], rois[[0, 2], 1:], BOX_WEIGHTS)
    l1 = F.smooth_l1_loss(torch.zeros(2, 4), moves, beta=1 / 9, reduction="sum")
    torch.testing.assert_close(losses["box"], l1 / 3)  # by all three, not by the two positives
    losses["box"].backward()
    taught = deltas.grad.abs().sum(dim=2) > 0
    assert taught.tolist() == [[False, True], [False, False], [True, False]]  # the true class's box


def test_the_mask_target_is_cropped_with_the_proposal():
    """A thing in the right half of its proposal fills the right half of the target."""
    masks = torch.zeros(1, 2, 16, 16, dtype=torch.bool)
    masks[0, 1, 4:12, 8:12] = True
    boxes = torch.tensor([[[0.0, 0, 16, 16], [8, 4, 12, 12]]])
    truth = PaddedTruth(boxes, torch.tensor([[0, 0]]), masks)
    roi = torch.tensor([[0.0, 4, 4, 12, 12]])
    target = mask_targets(roi, torch.tensor([1]), truth, 4)
    assert target[0].tolist() == [[0, 0, 1, 1]] * 4
    shifted = mask_targets(roi + torch.tensor([0, 1.0, 0, 1, 0]), torch.tensor([1]), truth, 4)
    assert shifted[0].tolist() == [[0, 0.5, 1, 0.5]] * 4  # shares, not yes or no


def test_mask_targets_are_exact_under_autocast():
    truth = PaddedTruth(torch.zeros(1, 1, 4), torch.tensor([[0]]), torch.rand(1, 1, 50, 50) < 0.5)
    roi = torch.tensor([[0.0, 3.3, 4.1, 40.7, 41.9]])
    with torch.autocast("cpu", torch.bfloat16):
        target = mask_targets(roi, torch.tensor([0]), truth, 28)
    assert torch.equal(target, to_grid(truth.masks[0], roi[:, 1:], 28))


def test_only_the_true_class_is_judged():
    logits = torch.zeros(2, 3, 4, 4, requires_grad=True)
    targets = torch.zeros(2, 4, 4)
    loss = mask_loss(logits, torch.tensor([2, 0]), targets)
    torch.testing.assert_close(loss, torch.tensor(2.0).log())  # a mean over cells and positives
    loss.backward()
    assert (logits.grad.abs().sum(dim=(2, 3)) > 0).tolist() == [
        [False, False, True],
        [True, False, False],
    ]


def test_a_class_agnostic_mask_is_judged_for_every_class():
    logits = torch.zeros(2, 1, 4, 4, requires_grad=True)
    mask_loss(logits, torch.tensor([2, 0]), torch.zeros(2, 4, 4)).backward()
    assert (logits.grad != 0).all()


def test_no_positives():
    head = MaskHead(8, 8, 1, 3, norm=True)
    pyramid = [torch.rand(1, 8, 8, 8, requires_grad=True)]
    logits = head(read_pyramid(pyramid, (4,), torch.zeros(0, 5), 14))
    masks = torch.zeros(1, 1, 32, 32).bool()
    truth = PaddedTruth(torch.zeros(1, 1, 4), torch.tensor([[-1]]), masks)
    none = torch.zeros(0, dtype=torch.int64)
    loss = mask_loss(logits, none, mask_targets(torch.zeros(0, 5), none, truth, 28))
    assert loss == 0
    loss.backward()
    assert all(p.grad is not None and (p.grad == 0).all() for p in head.parameters())
    assert (pyramid[0].grad == 0).all()


def test_mask_targets_are_counted_where_there_are_doubles(monkeypatch):
    """The other device is made up: there is no GPU here without doubles."""
    seen = []

    def counted(masks, boxes, size):
        seen.extend([masks.device.type, boxes.device.type])
        return torch.ones(len(boxes), size, size)

    monkeypatch.setattr("minseg.models.mask_rcnn.roi_heads.exact_device", lambda device: "meta")
    monkeypatch.setattr("minseg.models.mask_rcnn.roi_heads.to_grid", counted)
    masks = torch.ones(1, 1, 8, 8).bool()
    truth = PaddedTruth(torch.zeros(1, 1, 4), torch.zeros(1, 1).long(), masks)
    targets = mask_targets(torch.tensor([[0.0, 1, 1, 5, 5]]), torch.tensor([0]), truth, 4)
    assert seen == ["meta", "meta"] and targets.device.type == "cpu" and targets.all()


@pytest.mark.parametrize(("convs", "agnostic"), [(2, False), (0, True)])
def test_products_of_matrices_are_the_convolutions_that_the_mask_head_holds(convs, agnostic):
    """Every quarter of a cell in its place, forward and for each gradient."""
    torch.manual_seed(0)
    head = MaskHead(16, 8 if convs else 24, convs, 3, agnostic, norm=True)
    nn.init.normal_(head.up.bias)
    grids = torch.randn(2, 16, 5, 5)
    products, convolved = head(grids), head.predict(head.up(head.trunk(grids)).relu())
    assert products.shape == convolved.shape == (2, 1 if agnostic else 3, 10, 10)
    torch.testing.assert_close(products, convolved)
    weight = torch.randn_like(products)
    ours, theirs = (
        torch.autograd.grad((weight * logits).sum(), list(head.parameters()))
        for logits in (products, convolved)
    )
    torch.testing.assert_close(ours, theirs)
    assert head(grids[:0]).shape == (0, *products.shape[1:])
