"""The grid board: owners equal the targets', collisions, levels and channels as unit 50 tells."""

import pytest
import torch
from helpers.questions import ask
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore import GridBoard
from minseg.explore.grid_board.numbers import RANGES, THINGS, cell_text, places
from minseg.models.solo.grid import grid_targets_loop

ONE = {"boxes": ((60.0, 40.0, 100.0, 80.0),), "kinds": ("disc",)}


def owners(board: GridBoard) -> torch.Tensor:
    return torch.tensor(board.view["owner"]).view(board.grid, board.grid)


@pytest.mark.parametrize("sizes", RANGES)
@pytest.mark.parametrize(("grid", "epsilon"), [(3, 0.2), (12, 0.0), (24, 0.6)])
def test_owners_are_those_of_the_definition(grid, epsilon, sizes):
    board = GridBoard(grid=grid, epsilon=epsilon, sizes=sizes)
    law = {"sizes": RANGES[sizes], "epsilon": epsilon}
    due = grid_targets_loop(*places(THINGS), (160, 240), grid, **law)
    assert torch.equal(owners(board), due)


def test_a_thing_claims_one_cell_without_a_region_and_nine_at_most():
    for epsilon, most in ((0.0, 1), (0.2, 4), (1.0, 9)):
        board = GridBoard(grid=24, epsilon=epsilon, **ONE)
        assert int((owners(board) >= 0).sum()) == int(board.view["rows"][0][1]) <= most
    assert board.view["rows"][0][1:] == ["9", "9", "taught"]


def test_it_opens_with_a_small_thing_that_takes_cells_of_a_large_one():
    view = GridBoard().view
    assert view["contested"] and view["rows"][2][3] == "taught, but lost some"
    assert view["rows"][4][3] == "taught"
    assert "claimed by several" in view["facts"]


def test_a_thing_that_loses_all_its_cells_is_not_taught():
    boxes = ((60.0, 40.0, 100.0, 80.0), (50.0, 30.0, 110.0, 90.0))  # one centre
    board = GridBoard(grid=4, epsilon=0.0, boxes=boxes, kinds=("disc", "box"))
    assert board.view["rows"][1][1:] == ["1", "0", "lost them all: not taught"]
    assert board.view["facts"].endswith("not taught: thing 2.")
    board.grid = 24
    board.boxes = (boxes[0], (130.0, 30.0, 190.0, 90.0))
    assert "not taught" not in board.view["facts"]


def test_the_centre_of_mass_counts_and_not_the_middle_of_the_box():
    board = GridBoard(boxes=((40.0, 20.0, 120.0, 100.0),), kinds=("arch",))
    ((x, y),) = board.view["centres"]
    assert x == pytest.approx(80, abs=0.5) and y < 55  # the box's middle is at 60
    x1, y1, x2, y2 = board.view["regions"][0]
    assert (x2 - x1, y2 - y1) == pytest.approx((16, 16))


def test_a_thing_may_belong_to_another_grid_or_to_two():
    board = GridBoard(sizes="up to 40 px")
    verdicts = [row[3] for row in board.view["rows"]]
    assert verdicts.count("another grid's") == 3
    board.boxes = ((20.0, 24.0, 55.0, 59.0), *board.boxes[1:])  # 35 px: in two ranges
    for sizes in ("up to 40 px", "30 to 80 px"):
        board.sizes = sizes
        assert board.view["rows"][0][3].startswith("taught")


def test_a_cell_tells_its_channels():
    assert cell_text((3, 5), 12, -1, True) == (
        "Row 3, column 5: row channel 3 times column channel 5, of 12 + 12. It is taught no mask."
    )
    board = GridBoard(grid=12, cell=(4, 2))
    assert "4 · 12 + 2 = 50 of 144. It is taught the mask of thing 1." in board.view["cell"]
    ask(board, cell=[99, -4])
    assert board.cell == (11, 0)
    board.grid = 5
    assert board.cell == (4, 0) and "20 of 25" in board.view["cell"]
    assert GridBoard(grid=3, cell=(9, 9)).cell == (2, 2)


@pytest.mark.parametrize(
    ("trait", "value"), [("grid", 2), ("grid", 99), ("epsilon", 1.5), ("sizes", "tiny")]
)
def test_what_makes_no_sense_is_refused(trait, value):
    with pytest.raises(TraitError, match=trait):
        GridBoard(**{trait: value})


def test_the_still_picture_shows_the_present_state():
    board = GridBoard()
    assert board.view["facts"] in alt_text(board)
    with redrawn(board):
        board.decoupled = True
