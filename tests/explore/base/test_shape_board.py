"""The base of boards with shapes: what the page may send, and what is refused."""

import math

import pytest
from helpers.questions import ask, nudge
from traitlets import TraitError

from minseg.explore import MatchingBoard
from minseg.explore.base.shape_board import HEIGHT, SMALLEST, WIDTH


@pytest.fixture
def board() -> MatchingBoard:
    return MatchingBoard()


def test_a_message_moves_all_at_once_and_is_answered_once(board):
    sent: list[int] = []
    board.observe(lambda change: sent.append(change["new"]["answers"]), ["view"])
    boxes = [[1, 2, 30, 40]] * 5
    ask(board, boxes=boxes, kinds=["box"] * 5, scores=[0.5] * 5, n=7)
    assert board.boxes == ((1, 2, 30, 40),) * 5 and board.kinds == ("box",) * 5
    assert board.scores == (0.5,) * 5
    nudge(board)
    ask(board, n=8)  # nothing new: an answer all the same
    ask(board, boxes=boxes[:2], n=9)  # not as many as there are
    assert len(board.boxes) == 5
    assert sent == [7, 8, 9]


def test_reset_puts_all_back(board):
    start = board.boxes, board.kinds, board.scores
    ask(board, boxes=[[1, 2, 30, 40]] * 5, kinds=["box"] * 5, scores=[0.5] * 5)
    ask(board, reset=True)
    assert (board.boxes, board.kinds, board.scores) == start


def test_shapes_stay_inside(board):
    board.boxes = ((-5, -5, 20, 20), (230, 150, 999, 999), (50, 50, 40, 50), *board.boxes[3:])
    assert board.boxes[:3] == (
        (0, 0, 20, 20),
        (230, 150, WIDTH, HEIGHT),
        (50, 50, 50 + SMALLEST, 50 + SMALLEST),
    )
    assert board.masks.shape == (5, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("boxes", ((1, 2, math.nan, 4),) * 5),
        ("boxes", ((1, 2, 3),) * 5),
        ("kinds", ("ellipse",) * 5),
        ("scores", (1.5,) * 5),
        ("scores", (math.nan,) * 5),
    ],
)
def test_what_makes_no_sense_is_refused(trait, value):
    with pytest.raises(TraitError, match=trait):
        MatchingBoard(**{trait: value})


def test_shapes_must_be_whole():
    with pytest.raises(ValueError, match=r"must be alike in number, got \[1, 5, 5\]"):
        MatchingBoard(boxes=((1, 2, 30, 40),))
    with pytest.raises(ValueError, match="alike in number"):
        MatchingBoard(boxes=(), kinds=(), scores=())
