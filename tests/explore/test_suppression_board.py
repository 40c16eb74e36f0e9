"""The suppression board: scores equal the rules', the scenes show what unit 52 says of them."""

from typing import Any

import pytest
import torch
from helpers.questions import ask
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore import SuppressionBoard
from minseg.explore.suppression_board.numbers import PRESETS, RULES, as_tensors
from minseg.metrics import mask_iou
from minseg.models.suppression import (
    mask_nms_loop,
    matrix_nms_loop,
    matrix_nms_product_loop,
    soft_nms_loop,
)


def after(board: SuppressionBoard, rule: str) -> list[float]:
    return [float(text) for text in board.view["after"][rule]]


def kept(board: SuppressionBoard, rule: str) -> list[int]:
    """Numbers of the masks that a rule keeps, from 1."""
    return [k + 1 for k, stays in enumerate(board.view["kept"][rule]) if stays]


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
@pytest.mark.parametrize("preset", PRESETS)
def test_scores_are_those_of_the_definitions(preset, kernel):
    board = SuppressionBoard(preset=preset, kernel=kernel, sigma=3.0, threshold=0.6)
    masks, labels, scores = as_tensors(PRESETS[preset])
    law: dict[str, Any] = {"kernel": kernel, "sigma": 3.0}
    greedy = torch.zeros_like(scores)
    stays = mask_nms_loop(masks, labels, scores, 0.6)
    greedy[stays] = scores[stays]
    due = {
        "greedy": greedy,
        "soft": soft_nms_loop(masks, labels, scores, **law),
        "matrix": matrix_nms_loop(masks, labels, scores, **law),
        "product": matrix_nms_product_loop(masks, labels, scores, **law),
    }
    for rule, values in due.items():
        assert after(board, rule) == pytest.approx(values.tolist(), abs=0.0051), rule


def test_overlaps_are_mask_ious_within_a_class():
    board = SuppressionBoard()
    overlap = mask_iou(board.masks, board.masks)
    assert float(board.view["iou"][1][0]) == pytest.approx(overlap[1, 0].item(), abs=0.0051)
    assert board.view["iou"][0][4] == "·"
    board.kinds = ("disc",) * 6
    assert board.view["iou"][4][5] == board.view["iou"][5][4] != "·"


def test_duplicates_go_and_the_neighbour_stays():
    board = SuppressionBoard()
    assert kept(board, "greedy") == [1, 4, 5]
    assert kept(board, "matrix") == [1, 4, 5, 6], "the second box still has 0.31"
    board.keep = 0.35
    assert kept(board, "matrix") == kept(board, "soft") == [1, 4, 5]
    assert "matrix 1, 4, 5;" in board.view["facts"]


def test_in_the_chain_the_product_forgets_that_the_second_is_gone():
    """IoU ½, ½ and ⅕: the ratios of Matrix NMS are 0.8 and 1, the product is 0.8 · 0.5."""
    board = SuppressionBoard(preset="a chain of three", kernel="linear", threshold=0.4)
    assert after(board, "greedy") == [0.9, 0.0, 0.7]
    assert after(board, "matrix") == pytest.approx([0.9, 0.4, 0.56])
    assert after(board, "product") == pytest.approx([0.9, 0.4, 0.28])
    assert [row[-1] for row in board.view["rivals"]] == ["0.80", "1.00"]


def test_of_twins_with_one_score_the_product_keeps_both():
    board = SuppressionBoard(preset="twins with one score")
    assert kept(board, "matrix") == kept(board, "greedy") == [1]
    assert kept(board, "product") == [1, 2]


def test_triplets_fall_to_nothing_and_not_to_nan():
    board = SuppressionBoard(preset="triplets", kernel="linear")
    assert after(board, "matrix") == [0.9, 0, 0]
    assert board.view["rivals"][1][-1] == "0.00"


def test_another_class_is_no_rival():
    board = SuppressionBoard(preset="two classes")
    assert after(board, "matrix")[1] == after(board, "product")[1] == 0.8
    assert [row[0] for row in board.view["rivals"]] == ["1"], "of mask 3, a disc as is mask 1"


def test_the_least_ratio_of_a_masks_rivals_is_what_matrix_nms_leaves():
    board = SuppressionBoard()
    for k, score in enumerate(board.scores):
        ask(board, chosen=k)
        ratios = [float(row[-1]) for row in board.view["rivals"]]
        left = score * min([1.0, *ratios])
        assert left == pytest.approx(after(board, "matrix")[k], abs=0.01)


def test_another_scene_comes_whole():
    board = SuppressionBoard()
    board.preset = "twins with one score"
    assert len(board.boxes) == len(board.view["iou"]) == 2 and board.chosen == 1
    ask(board, boxes=[[0, 0, 50, 50], [100, 100, 150, 150]])
    assert board.view["iou"][0][1] == "·"
    ask(board, reset=True)
    assert board.view["iou"][0][1] == "1.00"
    board.preset = "duplicates and a neighbour"
    assert len(board.view["iou"]) == 6


@pytest.mark.parametrize(
    ("trait", "value"),
    [("preset", "a heap"), ("kernel", "cubic"), ("sigma", 0.0), ("keep", 0.9), ("rule", "best")],
)
def test_what_makes_no_sense_is_refused(trait, value):
    with pytest.raises(TraitError, match=trait):
        SuppressionBoard(**{trait: value})


@pytest.mark.parametrize("preset", PRESETS)
def test_the_still_picture_shows_the_present_state(preset):
    board = SuppressionBoard(preset=preset)
    assert board.view["facts"] in alt_text(board)
    with redrawn(board):
        board.keep = 0.6
        board.scores = (0.2, *board.scores[1:])
    assert set(board.view["after"]) == set(RULES)
