"""The kernel board: cells, levels and channels as traits, the numbers of a cell, the still."""

from typing import Any

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn

from minseg.data import SceneDataset
from minseg.data.example import Example
from minseg.explore import KernelBoard
from minseg.models import SOLOv2

SMALL: dict[str, Any] = {
    "widths": (8, 8, 8, 8),
    "channels": 8,
    "width": 8,
    "mask_width": 16,
    "grids": (24, 16, 8),
}
SCENE = SceneDataset("val", size=(64, 88))[1]


@pytest.fixture(scope="module")
def model() -> SOLOv2:
    torch.manual_seed(0)
    return SOLOv2(**SMALL)


@pytest.fixture
def board(model) -> KernelBoard:
    return KernelBoard(model, SCENE)


def test_it_opens_at_the_cell_that_is_surest(board):
    place = board.trace.place(board.trace.best_cell())
    assert (board.level, *board.cell) == place and board.count == board.channels == 16
    assert [level["grid"] for level in board.levels] == [24, 16, 8]
    assert [len(level["sure"]) for level in board.levels] == [576, 256, 64]


def test_the_view_is_of_the_chosen_cell(board):
    board.level, board.cell = 1, (3, 4)
    trace, cell = board.trace, 576 + 3 * 16 + 4
    assert board.view["facts"].startswith("Grid 16 × 16, row 3, column 4: ")
    scores = [p for _, p in board.view["scores"]]
    assert scores == pytest.approx(trace.classes[cell].tolist(), abs=6e-4)
    assert [name for name, _ in board.view["scores"]] == ["disc", "box", "triangle"]
    weights = trace.kernels[cell].flatten(1).sum(dim=1)
    assert board.view["kernel"] == pytest.approx(weights.tolist(), abs=6e-4)
    strongest = [e for e, *_ in board.view["strongest"]]
    assert strongest == trace.strongest(trace.terms(cell))[:6].tolist()


def test_fewer_channels_draw_another_mask(board):
    whole = board.view["probability"]
    ask(board, count=2)
    assert len(board.view["used"]) == 2 and board.view["probability"] != whole
    assert "drawn by 2 of 16 channels" in board.view["facts"]
    ask(board, count=99)
    assert board.count == 16 and board.view["probability"] == whole
    ask(board, count=0)
    assert board.count == 1


def test_another_level_keeps_the_place(board):
    board.level, board.cell = 0, (12, 6)
    board.level = 2
    assert board.cell == (4, 2)
    board.level = 99
    assert board.level == 2
    ask(board, cell=[99, -3])
    assert board.cell == (7, 0)


def test_the_next_candidate_may_lie_on_another_level(board):
    board.trace.found = torch.tensor([0, 575, 895])
    board.level, board.cell = 0, (0, 0)
    for level, cell in ((0, (23, 23)), (2, (7, 7)), (0, (0, 0))):
        ask(board, next=True)
        assert (board.level, board.cell) == (level, cell)


def test_a_message_is_answered_once(board):
    sent: list[int] = []
    board.observe(lambda change: sent.append(change["new"]["answers"]), ["view"])
    ask(board, cell=[1, 1], n=7)
    nudge(board)
    ask(board, cell=[1, 1], n=8)  # nothing has changed
    ask(board, next=True, n=9)
    assert sent == [7, 8, 9]


def test_a_scene_without_things_and_a_wider_kernel():
    torch.manual_seed(0)
    empty = KernelBoard(SOLOv2(**SMALL, kernel_size=3), Example(SCENE.image, SCENE.instances[:0]))
    assert "on no thing" in empty.view["facts"] and len(empty.view["kernel"]) == 16


def test_traits_say_where_it_opens(model):
    board = KernelBoard(model, SCENE, level=2, cell=(5, 6), count=3)
    assert (board.level, board.cell, board.count) == (2, (5, 6), 3)
    assert KernelBoard(model, SCENE, cell=(1, 1)).cell == (1, 1)


def test_the_still_picture_shows_the_chosen_cell(board):
    assert board.view["facts"] in alt_text(board)
    told = repr(board)
    with redrawn(board):
        board.cell = (3, 3)
    assert repr(board) == told, "what a model has learnt differs between machines"
