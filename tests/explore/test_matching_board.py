"""The matching board: costs equal the losses', the pairing is the cheapest, the still picture."""

from itertools import permutations

import pytest
import torch
from helpers.questions import ask
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore import MatchingBoard
from minseg.explore.matching_board.numbers import (
    PREDICTIONS,
    RULES,
    TRUTHS,
    WEIGHTS,
    as_shares,
    cheapest_first,
    log_probabilities,
    terms_of,
    total_of,
)
from minseg.losses import detr_cost, dice_loss, hungarian_match


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def cost(rule: str) -> torch.Tensor:
    return torch.stack([value for _, value in terms_of(PREDICTIONS, rule, WEIGHTS)]).sum(dim=0)


def test_the_first_rule_is_detrs_cost():
    logits = log_probabilities(PREDICTIONS)
    boxes = as_shares([box for _, box, _ in PREDICTIONS])
    truths = as_shares([box for _, box in TRUTHS])
    whole = detr_cost(logits, boxes, torch.tensor([0, 0, 1]), truths)
    torch.testing.assert_close(cost("boxes"), whole)
    shown = [[number(cell) for cell in row] for row in MatchingBoard().view["cost"]]
    torch.testing.assert_close(torch.tensor(shown).double(), whole, atol=0.006, rtol=0)


def test_with_masks_the_cost_is_class_and_dice():
    board = MatchingBoard(rule="masks")
    square = torch.zeros(1, 160, 240)
    square[0, 78:140, 156:222] = 1  # truth C
    dice = dice_loss(board.masks[2:3].float(), square, squared=False, smooth=1)
    assert number(board.view["cost"][2][2]) == pytest.approx(2 * float(dice) - 0.9, abs=0.006)
    assert [row[0] for row in board.view["terms"]] == ["class", "mask Dice", "cost"]


@pytest.mark.parametrize("rule", RULES)
def test_no_other_pairing_costs_less(rule):
    board = MatchingBoard(rule=rule)
    matrix = cost(rule)
    ways = (
        sum(matrix[i, j].item() for j, i in enumerate(way)) for way in permutations(range(5), 3)
    )
    assert number(board.view["total"]) == pytest.approx(min(ways), abs=0.006)


def test_it_opens_with_a_scene_in_which_the_cheapest_pair_first_costs_more():
    view = MatchingBoard().view
    assert view["pairs"] == [[0, 0], [1, 1], [2, 2]] and view["owner"] == [0, 1, 2, -1, -1]
    assert view["greedy"] == [[0, 1], [2, 2], [4, 0]]
    assert number(view["cheapest_first"]) > number(view["total"]) + 2
    assert view["facts"].startswith("1 answers for A, 2 answers for B, 3 answers for C; 4 and 5")


def test_by_class_alone_places_do_not_matter():
    board = MatchingBoard(rule="classes")
    before = board.view["cost"]
    board.boxes = ((150.0, 100.0, 200.0, 150.0), *board.boxes[1:])
    assert board.view["cost"] == before
    board.rule = "boxes"
    assert board.view["owner"][0] != 0, "far away from A now"


def test_terms_of_the_chosen_prediction_add_up_to_its_cost():
    board = MatchingBoard()
    ask(board, chosen=3)
    *terms, total = board.view["terms"]
    assert total[1:] == board.view["cost"][3]
    for column in range(1, 4):
        parts = sum(number(row[column]) for row in terms)
        assert parts == pytest.approx(number(total[column]), abs=0.02)
    ask(board, chosen=99)
    assert board.chosen == 4


def test_a_weight_of_zero_takes_a_term_out():
    board = MatchingBoard(box_weight=0.0, giou_weight=0.0)
    assert board.view["cost"] == MatchingBoard(rule="classes").view["cost"]
    with pytest.raises(TraitError):
        board.box_weight = 11.0


def test_an_unsure_prediction_has_a_low_probability_of_its_class():
    p = log_probabilities([("disc", (0, 0, 9, 9), 0.7), ("box", (0, 0, 9, 9), 0.0)]).softmax(dim=1)
    torch.testing.assert_close(p[0], torch.tensor([0.7, 0, 0, 0.3]).double(), atol=1e-5, rtol=0)
    assert p[1, 3] > 0.999


def test_the_cheapest_pair_first_takes_each_row_and_column_once():
    matrix = torch.tensor([[0.0, 1.0], [2.0, 9.0], [3.0, 3.0]])
    assert cheapest_first(matrix) == [(0, 0), (2, 1)]
    i, j = hungarian_match(matrix)
    best = list(zip(i.tolist(), j.tolist(), strict=True))
    assert total_of(matrix, best) == 3.0 == total_of(matrix, [(0, 0), (2, 1)])


def test_only_three_classes():
    with pytest.raises(TraitError, match=r"kinds must be among .*, got 'arch'"):
        MatchingBoard(kinds=("arch",) * 5)


def test_the_still_picture_shows_the_present_state():
    board = MatchingBoard()
    assert board.view["facts"] in alt_text(board) and "class and box" in alt_text(board)
    with redrawn(board):
        board.rule = "masks"
