"""The segmenter: what a threshold keeps, what it drops, and which coins are missed."""

import math

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn
from traitlets import TraitError

from minseg.explore import Segmenter
from minseg.explore.segmenter.numbers import (
    OWN,
    drawing,
    histogram,
    look_at,
    noisy_coins,
    numbers,
    partners,
)
from minseg.metrics import mask_iou
from minseg.models import MaskRCNN, load_coins


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    return load_coins()


@pytest.fixture(scope="module")
def noisy(model) -> Segmenter:
    return Segmenter(model=model, photo="coins, noisy")


def test_partners_by_hand():
    """Two masks on one thing: the surer one has it, the other is on none."""
    iou = torch.tensor([[0.7, 0.1], [0.9, 0.0], [0.0, 0.49], [0.0, 0.5]])
    assert partners(iou).tolist() == [0, -1, -1, 1]
    assert partners(torch.zeros(3, 0)).tolist() == [-1, -1, -1]
    assert partners(torch.zeros(0, 3)).tolist() == []


def test_every_coin_of_the_photograph_is_found(model):
    view = Segmenter(model=model).view
    assert view["shown"] == list(range(24)), "24 masks, and no box of a missed coin"
    assert view["facts"].endswith("24 on a coin, 0 on none; 0 coins missed")


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.95, 1.0])
def test_the_facts_count_what_is_shown(noisy, threshold):
    look = noisy.look
    view = numbers(look, threshold)
    masks = [k for k in view["shown"] if k < len(look.found)]
    iou = mask_iou(look.found.masks[masks], look.truth.masks)
    found = int((iou >= 0.5).any(dim=0).sum()) if masks else 0
    missed = len(view["shown"]) - len(masks)
    assert missed == 24 - found
    assert f": {found} on a coin, {len(masks) - found} on none; " in view["facts"]
    assert f"{missed} coin" in view["facts"]


def test_a_lower_threshold_only_adds(noisy):
    sure, unsure = ({k for k in numbers(noisy.look, s)["shown"] if k < 50} for s in (0.9, 0.2))
    assert sure < unsure


def test_the_histogram_holds_every_mask_once(noisy):
    counts = torch.tensor(histogram(noisy.look))
    assert counts.sum() == len(noisy.look.found)
    assert counts[:, 0].sum() == (noisy.look.partner >= 0).sum()
    assert counts[:1].sum() == 0, "nothing below 0.05 is asked for"


@pytest.mark.slow
def test_ten_draws_of_the_noise_are_as_the_unit_says(model, noisy):
    """25.9 ± 0.7 masks at the threshold ½, 22.7 ± 0.5 of them on a coin."""
    looks = [look_at(model, noisy_coins(seed), noisy.look.truth) for seed in range(10)]
    above = [look.found.scores >= 0.5 for look in looks]
    shown = torch.tensor([float(one.sum()) for one in above])
    right = torch.tensor(
        [float((one & (look.partner >= 0)).sum()) for one, look in zip(above, looks, strict=True)]
    )
    assert (shown.mean(), right.mean()) == (
        pytest.approx(25.9, abs=0.3),
        pytest.approx(22.7, abs=0.3),
    )
    assert shown.std() < 1.2 and right.std() < 1


def test_each_part_is_drawn_as_what_it_is(noisy):
    parts = drawing(noisy.look)
    kinds = [part["kind"] for part in parts]
    assert kinds.count("missed") == 24 and kinds.count("right") + kinds.count("wrong") + 24 == len(
        kinds
    )
    assert [part["score"] for part in parts[:3]] == ["1.00"] * 3
    assert all("fill" in part for part in parts if part["kind"] != "missed")


def test_your_own_picture_is_shown_first_and_nothing_is_blamed(model):
    picture = torch.rand(3, 64, 80, generator=torch.Generator().manual_seed(0))
    mine = Segmenter(picture, model=model)
    assert mine.photo == OWN and mine.names[-1] == OWN
    assert mine.shapes["size"] == (64, 80) and not mine.shapes["known"]
    assert not any(part["kind"] == "wrong" for part in mine.shapes["parts"])
    assert "only you can tell" in mine.view["facts"]
    assert mine.picture().startswith(b"\x89PNG")
    assert look_at(model, picture).truth is None


def test_another_photo_comes_with_its_own_parts(noisy, model):
    both = Segmenter(model=model)
    before = both.image_png
    both.photo = "coins, noisy"
    assert both.image_png != before and both.shapes["parts"] == noisy.shapes["parts"]
    assert both.view["shown"] == numbers(noisy.look, 0.5)["shown"]


def test_a_message_moves_the_threshold_and_is_answered_once(model):
    widget = Segmenter(model=model)
    sent: list[int] = []
    widget.observe(lambda change: sent.append(change["new"]["answers"]), ["view"])
    ask(widget, threshold=0.25, n=7)
    assert widget.threshold == 0.25 == widget.view["threshold"]
    nudge(widget)
    ask(widget, threshold=5, n=8)
    assert widget.threshold == 1 and sent == [7, 8]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_a_threshold_lies_between_0_and_1(noisy, wrong):
    with pytest.raises(TraitError, match="threshold must lie between 0 and 1"):
        noisy.threshold = wrong


def test_says_what_it_needs(model):
    with pytest.raises(TraitError, match="photo must be one of 'coins', 'coins, noisy', got 'cat'"):
        Segmenter(model=model, photo="cat")
    with pytest.raises(ValueError, match=r"own must be a picture \(3, H, W\), got \(64, 80\)"):
        Segmenter(torch.zeros(64, 80), model=model)


def test_the_still_picture_shows_the_present_state(model):
    widget = Segmenter(model=model, photo="coins, noisy")
    assert widget.view["facts"] in alt_text(widget)
    assert repr(widget) == "Segmenter: “coins, noisy”, masks with a score of at least 0.50."
    with redrawn(widget):
        widget.threshold = 0.9
