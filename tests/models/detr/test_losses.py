"""The loss of a set: pairs, weights, orders that must not matter."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.models.detr import losses as loss_file
from minseg.models.detr.heads import boxes_as_shares
from minseg.models.detr.losses import (
    BCE,
    BOX,
    DICE,
    GIOU,
    NOTHING,
    Answers,
    Pairs,
    class_loss,
    mask_losses,
    match,
    set_losses,
)
from minseg.models.detr.mask_head import Picks
from minseg.models.padding import PaddedTruth

SIZES = torch.tensor([[16, 16]])


def truth_of_squares(*places, classes=None):
    """Squares (row, column, side) of one image of 16 × 16."""
    masks = torch.zeros(1, len(places), 16, 16, dtype=torch.bool)
    boxes = torch.zeros(1, len(places), 4)
    for k, (i, j, side) in enumerate(places):
        masks[0, k, i : i + side, j : j + side] = True
        boxes[0, k] = torch.tensor([j, i, j + side, i + side])
    classes = [0] * len(places) if classes is None else classes
    return PaddedTruth(boxes, torch.tensor([classes]), masks)


def answers_like(truth, order, *, sure=9.0, layers=1):
    """Each query says what thing `order[q]` is, or nothing where that is None."""
    logits = torch.zeros(layers, 1, len(order), 4)
    boxes = torch.full((layers, 1, len(order), 4), 0.5)
    masks = torch.full((layers, 1, len(order), 16, 16), -9.0)
    for q, k in enumerate(order):
        logits[:, 0, q, 3 if k is None else truth.classes[0, k]] = sure
        if k is not None:
            boxes[:, 0, q] = boxes_as_shares(truth.boxes[0, k : k + 1], SIZES[0])[0]
            masks[:, 0, q][:, truth.masks[0, k]] = 9.0
    return Answers(logits, boxes, masks)


TWO = truth_of_squares((2, 2, 4), (9, 8, 6))


@pytest.mark.parametrize("matching", ["boxes", "masks"])
def test_twins_are_told_apart_by_where_they_are(matching):
    pairs = match(answers_like(TWO, [1, None, 0]), TWO, SIZES, matching)
    assert pairs.picks.query.tolist() == [0, 2] and pairs.thing.tolist() == [1, 0]


def test_by_class_alone_twins_are_paired_in_the_order_of_the_list():
    """Queries 0 and 1 look at things 1 and 0, and are told to change."""
    pairs = match(answers_like(TWO, [1, 0]), TWO, SIZES, "classes")
    assert pairs.picks.query.tolist() == [0, 1] and pairs.thing.tolist() == [0, 1]


def test_boxes_decide_as_published_and_masks_have_no_say():
    boxed = answers_like(TWO, [0, 1])
    crossed = Answers(boxed.logits, boxed.boxes, answers_like(TWO, [1, 0]).masks)
    assert match(crossed, TWO, SIZES, "boxes").thing.tolist() == [0, 1]
    assert match(crossed, TWO, SIZES, "masks").thing.tolist() == [1, 0]


def test_every_layer_is_paired_by_itself():
    first, last = answers_like(TWO, [0, 1]), answers_like(TWO, [1, 0])
    both = Answers(*(torch.cat(pair) for pair in zip(first, last, strict=True)))
    pairs = match(both, TWO, SIZES, "masks")
    assert pairs.picks.layer.tolist() == [0, 0, 1, 1] and pairs.thing.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("matching", ["boxes", "masks", "classes"])
def test_more_things_than_queries(matching):
    pairs = match(answers_like(TWO, [1]), TWO, SIZES, matching)
    assert len(pairs.thing) == 1
    assert pairs.thing.tolist() == ([0] if matching == "classes" else [1])


@pytest.mark.parametrize("matching", ["boxes", "masks", "classes"])
def test_padding_of_the_truth_finds_no_partner(matching):
    padded = PaddedTruth(TWO.boxes, torch.tensor([[0, -1]]), TWO.masks)
    assert match(answers_like(TWO, [1, 0]), padded, SIZES, matching).thing.tolist() == [0]
    nothing = PaddedTruth(TWO.boxes, torch.tensor([[-1, -1]]), TWO.masks)
    assert len(match(answers_like(TWO, [1, 0]), nothing, SIZES, matching).thing) == 0


def random_batch(seed, things, queries=5):
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(0, 9, (things, 2), generator=generator).tolist()
    classes = torch.randint(0, 3, (things,), generator=generator).tolist()
    truth = truth_of_squares(*[(i, j, 3 + i % 4) for i, j in places], classes=classes)
    logits = torch.randn(2, 1, queries, 4, generator=generator)
    boxes = torch.rand(2, 1, queries, 4, generator=generator)
    return truth, Answers(logits, boxes, torch.randn(2, 1, queries, 16, 16, generator=generator))


def total(truth, answers, matching):
    pairs = match(answers, truth, SIZES, matching)
    layer, image, query = pairs.picks
    drawn = mask_losses(
        answers.masks[layer, image, query], truth.masks[image, pairs.thing], torch.tensor(1.0)
    )
    return set_losses(answers, pairs, truth, SIZES) | drawn


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["boxes", "masks"]), st.permutations(range(4)), st.integers(0, 999))
def test_the_order_of_the_truth_changes_nothing(matching, order, seed):
    """Pairing thing k with query k instead would make every one of these differ."""
    truth, answers = random_batch(seed, 4)
    shuffled = PaddedTruth(*(one[:, order] for one in truth))
    before, after = total(truth, answers, matching), total(shuffled, answers, matching)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(["boxes", "masks"]), st.permutations(range(5)), st.integers(0, 999))
def test_nor_does_the_order_of_the_queries(matching, order, seed):
    truth, answers = random_batch(seed, 3)
    shuffled = Answers(*(one[:, :, order] for one in answers))
    before, after = total(truth, answers, matching), total(truth, shuffled, matching)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value)


def test_all_right_costs_nothing():
    answers = answers_like(TWO, [1, None, 0], sure=50.0, layers=3)
    for name, value in total(TWO, answers, "masks").items():
        assert value < 0.01, name


def test_class_loss_by_hand():
    """One of three queries has a partner: weights 1, 0.1 and 0.1; summed over two layers."""
    truth = truth_of_squares((2, 2, 4), classes=[1])
    pairs = Pairs(Picks(torch.tensor([0, 1]), torch.tensor([0, 0]), torch.tensor([2, 2])),
                  torch.tensor([0, 0]))  # fmt: skip
    logits = torch.zeros(2, 1, 3, 4)
    torch.testing.assert_close(class_loss(logits, pairs, truth), torch.tensor(2 * math.log(4)))
    logits[:, 0, 2, 1] = 9.0  # now the one with a partner is right
    wrong = math.log(3 + math.exp(9)) - 9
    expected = 2 * (wrong + 2 * NOTHING * math.log(4)) / (1 + 2 * NOTHING)
    torch.testing.assert_close(class_loss(logits, pairs, truth), torch.tensor(expected))


def test_queries_without_a_partner_learn_to_say_nothing():
    """Without a class for it they would learn nothing, and report whatever they see twice."""
    answers = answers_like(TWO, [0, 1, 0])
    logits = answers.logits.requires_grad_()
    pairs = match(answers, TWO, SIZES, "masks")
    class_loss(logits, pairs, TWO).backward()
    third = logits.grad[0, 0, 2]
    assert third[3] < 0 < third[0] and third.abs().argmax() in (0, 3)


def test_box_losses_by_hand():
    """A box of 4 × 4 px at (2, 2), said to be 4 px further right: half a hull of 8 is free."""
    truth = truth_of_squares((2, 2, 4))
    answers = answers_like(truth, [0])
    answers.boxes[..., 0] += 4 / 16
    losses = set_losses(answers, match(answers, truth, SIZES, "boxes"), truth, SIZES)
    torch.testing.assert_close(losses["box"], torch.tensor(BOX * 4 / 16))
    torch.testing.assert_close(losses["giou"], torch.tensor(GIOU * (1 - 0.0)))


def test_boxes_are_shares_of_their_own_image():
    """Two images, of which one is half as wide: the same shares are other pixels."""
    sizes = torch.tensor([[16, 16], [16, 8]])
    boxes = torch.tensor([[[4.0, 4, 12, 12]], [[2.0, 4, 6, 12]]])
    truth = PaddedTruth(boxes, torch.zeros(2, 1).long(), torch.ones(2, 1, 16, 16).bool())
    shares = torch.full((1, 2, 1, 4), 0.5)
    answers = Answers(torch.zeros(1, 2, 1, 4), shares, None)
    losses = set_losses(answers, match(answers, truth, sizes, "boxes"), truth, sizes)
    assert losses["box"] == 0 and losses["giou"] == 0


def test_mask_losses_by_hand():
    """Four pixels a cell, half of the left cell covered: who does not know says ½."""
    true = torch.zeros(1, 2, 4, dtype=torch.bool)
    true[0, :, 0] = True
    losses = mask_losses(torch.zeros(1, 1, 2), true, torch.tensor(1.0))
    torch.testing.assert_close(losses["bce"], torch.tensor(BCE * math.log(2)))
    dice = 1 - 2 * 0.25 / (2 * 0.25 + 0.25 + 0.002)
    torch.testing.assert_close(losses["dice"], torch.tensor(DICE * dice))


def test_soft_cells_are_not_driven_to_the_ends():
    """A cell that is covered by a third is best said to be a third, so that edges lie right."""
    true = torch.zeros(1, 3, 6, dtype=torch.bool)
    true[0, :, :3], true[0, 0, 3:] = True, True
    logits = torch.tensor([[[9.0, -math.log(2)]]]).requires_grad_()
    sum(mask_losses(logits, true, torch.tensor(1.0)).values()).backward()
    assert logits.grad.abs().max() < 0.02


def test_no_pairs_no_loss_but_a_gradient_path():
    logits = torch.zeros(0, 4, 4, requires_grad=True)
    losses = mask_losses(logits, torch.zeros(0, 16, 16).bool(), torch.tensor(1.0))
    assert losses == {"bce": 0, "dice": 0}
    sum(losses.values()).backward()


def test_every_loss_is_divided_by_the_count_of_all_processes(monkeypatch):
    truth, answers = random_batch(0, 3)
    pairs = match(answers, truth, SIZES, "masks")
    alone = set_losses(answers, pairs, truth, SIZES)
    monkeypatch.setattr(loss_file, "mean_over_processes", lambda n: torch.as_tensor(n) * 2.0)
    for name, value in set_losses(answers, pairs, truth, SIZES).items():
        torch.testing.assert_close(value, alone[name] / 2)


def test_answers_that_are_no_numbers_find_partners_and_a_loss_of_nan():
    """Training refuses that loss by its name; an error here would stop one process of several."""
    answers = answers_like(TWO, [0, 1])
    broken = Answers(answers.logits, answers.boxes * math.nan, answers.masks)
    pairs = match(broken, TWO, SIZES, "boxes")
    assert len(pairs.thing) == 2
    assert set_losses(broken, pairs, TWO, SIZES)["box"].isnan()
