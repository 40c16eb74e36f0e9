"""The board of weights: what a preset sets, what a step changes, and what is refused."""

import math

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.data import SceneDataset
from minseg.experiments.shared_gradients import PRESETS
from minseg.explore import BalanceBoard
from minseg.explore.balance_board.numbers import row, short
from minseg.explore.balance_board.widget import BY_HAND, DRAWN, LEAST, MOST, SEED
from minseg.models import MaskRCNN, load_coins

SCENES = [SceneDataset("train")[k] for k in DRAWN]


def model() -> MaskRCNN:
    torch.manual_seed(SEED)
    return MaskRCNN()


@pytest.fixture(scope="module")
def made() -> BalanceBoard:
    return BalanceBoard()


@pytest.fixture
def board(made: BalanceBoard) -> BalanceBoard:
    """As it is at first."""
    made.preset, made.step = "all 1", 0.01
    return made


def test_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="at least one image"):
        BalanceBoard(model(), [])


def test_shows_what_the_lesson_says_of_a_fresh_model(board: BalanceBoard) -> None:
    numbers = board.numbers()
    assert sum(one["share"] for one in numbers.values()) == pytest.approx(1)
    assert numbers["box"]["loss"] > numbers["rpn_box"]["loss"]
    assert numbers["box"]["norm"] < numbers["rpn_box"]["norm"] / 20  # a value tells no pull
    assert "class has 40% of the pull; a step of 0.01 raises box." in board.view["facts"]
    assert board.view["rows"][3]["sign"] == -1 and board.view["rows"][3]["change"][0] == "▲"
    board.preset = "equal gradients"
    assert "1, 54, 1.5 (equal gradients): each has 20% of the pull" in board.view["facts"]
    assert "raises no loss" in board.view["facts"]
    board.preset = "uncertainty"
    assert max(board.numbers(), key=lambda name: board.numbers()[name]["share"]) == "rpn_box"


@pytest.mark.slow
def test_answers_of_the_lesson() -> None:
    options = load_coins().options
    torch.manual_seed(0)
    random = MaskRCNN(**options)
    scenes = list(SceneDataset("val", style="coins", size=128, length=4))
    board = BalanceBoard(random, scenes)
    first, came = board.numbers(), board.take_step()
    assert 0.29 < first["mask"]["share"] < 0.38 and first["box"]["share"] < 0.01
    assert [name for name, one in first.items() if one["cosine"] < 0] == ["box"]
    assert abs(came["box"]) > 100 * first["box"]["change"] > 0  # new proposals, new questions
    assert 0.85 < came["rpn_box"] / first["rpn_box"]["change"] < 1.1
    board.step = 0.1
    assert board.take_step()["rpn_box"] / board.numbers()["rpn_box"]["change"] < 0.5
    shares = []
    for weight in (18, 22, 100):
        board.weights = {"mask": weight}
        shares.append(board.numbers()["mask"]["share"])
    assert shares[0] < 0.9 < shares[1]
    assert "raises rpn_objectness, class, box." in board.view["facts"]
    board.preset = "equal gradients"
    assert board.weights["box"] == pytest.approx(36, abs=1)
    for rule in ("uncertainty", "difficulty"):
        board.preset = rule
        assert max(board.weights, key=board.weights.__getitem__) == "box"
        now = board.numbers()
        assert now["box"]["share"] < 0.025 and now["rpn_box"]["share"] > 0.5
    assert min(first, key=lambda name: first[name]["loss"]) == "box"


def test_all_weights_times_ten_is_the_same_step(board: BalanceBoard) -> None:
    before = board.numbers()
    board.weights = dict.fromkeys(board.names, 10.0)
    for name, one in board.numbers().items():
        assert one["change"] == pytest.approx(before[name]["change"])
        assert one["pull"] == pytest.approx(10 * before[name]["pull"])


def test_weights_leave_a_preset_and_a_preset_sets_weights(board: BalanceBoard) -> None:
    board.weights = {"class": 3}
    assert board.preset == BY_HAND and board.weights["class"] == 3 and board.weights["mask"] == 1
    board.preset = "uncertainty"
    assert board.weights["mask"] == pytest.approx(1 / (2 * board.numbers()["mask"]["loss"]))
    board.weights = dict(board.weights)  # what they are already
    assert board.preset == "uncertainty"
    chosen = BalanceBoard(board.model, SCENES, weights={"box": 5})
    assert chosen.preset == BY_HAND and chosen.weights["box"] == 5
    assert BalanceBoard(board.model, SCENES, preset="difficulty").weights["class"] < 0.2


def test_a_preset_out_of_reach_is_cut_and_says_so() -> None:
    easy = model()
    with torch.no_grad():
        easy.box_head.deltas.weight.mul_(1e-3)
    board = BalanceBoard(easy, SCENES, preset="equal gradients")
    assert board.weights["box"] == MOST and board.preset == "equal gradients"
    assert "cut: box " in board.view["formula"]
    board.weights = {"box": 1e9, "mask": 1e-9}
    assert board.weights["box"] == MOST and board.weights["mask"] == LEAST


def test_scenes_without_things_leave_losses_without_a_pull() -> None:
    class Empty:
        image, instances = SCENES[0].image, SCENES[0].instances[:0]

    board = BalanceBoard(model(), [Empty()], preset="equal gradients")
    assert board.numbers()["mask"]["pull"] == 0 and board.weights["mask"] == MOST
    assert "mask above a million" in board.view["formula"]
    assert board.view["rows"][4]["change"] == "· 0"
    assert board.picture().startswith(b"\x89PNG")


def test_a_message_is_answered_once(board: BalanceBoard) -> None:
    ask(board, weights={**board.weights, "class": 2.0}, n=7)
    assert board.weights["class"] == 2 and board.view["answers"] == 7
    ask(board, preset="difficulty", n=8)
    assert board.preset == "difficulty" and board.view["answers"] == 8
    nudge(board)  # is no question
    assert board.view["answers"] == 8


def test_what_was_measured_is_forgotten_with_another_step(board: BalanceBoard) -> None:
    ask(board, take=True, n=1)
    came = {name: one["measured"] for name, one in board.numbers().items()}
    assert came["rpn_box"] == pytest.approx(board.numbers()["rpn_box"]["change"], rel=0.3)
    assert board.view["rows"][1]["measured"].startswith("−")
    board.step = 0.1
    assert "measured" not in board.numbers()["mask"] and not board.view["rows"][1]["measured"]


def test_a_given_model_is_not_followed() -> None:
    given = model()
    board = BalanceBoard(given, SCENES)
    before = board.take_step()
    with torch.no_grad():
        for parameter in given.parameters():
            parameter.zero_()
    assert board.take_step() == pytest.approx(before)  # as it was when it was given


def test_the_random_state_is_left_alone() -> None:
    torch.manual_seed(SEED + 1)
    state = torch.random.get_rng_state()
    BalanceBoard()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("weights", {"class": 0}),
        ("weights", {"class": math.nan}),
        ("weights", {"dice": 1}),
        ("preset", "GradNorm"),
        ("step", 0.0),
    ],
)
def test_what_makes_no_sense_is_refused(board: BalanceBoard, trait: str, value: object) -> None:
    with pytest.raises(TraitError, match=trait):
        setattr(board, trait, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.0, "0"),
        (1.0, "1"),
        (0.4916, "0.49"),
        (82.1, "82"),
        (-0.0995, "−0.10"),
        (1234, "1234"),
        (0.0996, "0.10"),
        (9.96, "10"),
        (1.56e-5, "0.000016"),
    ],
)
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


def test_a_cosine_of_0_has_no_sign() -> None:
    numbers = dict.fromkeys(("loss", "norm", "weight", "pull", "share", "change"), 1.0)
    shown = row({**numbers, "cosine": -0.0049})
    assert shown["angle"] == "0.00" and shown["change"].startswith("·")


@pytest.mark.slow
def test_the_still_picture_shows_the_present_state(board: BalanceBoard) -> None:
    assert "class has 40%" in alt_text(board) and "class has 40%" in repr(board)
    with redrawn(board):
        board.preset = list(PRESETS)[1]
