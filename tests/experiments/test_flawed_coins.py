"""Coins with faults put in by hand: each metric has the blind spot that the units name."""

import pytest
import torch

from minseg.data import coins_truth
from minseg.experiments import flawed_coins
from minseg.experiments.flawed_coins import METRICS, judge, judgements
from minseg.metrics import average_precision


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, float]]:
    return {
        name: dict(zip(METRICS, row, strict=True)) for name, row in judgements().items()
    }  # fault → metric → number


def test_a_perfect_detector_is_perfect_for_all() -> None:
    assert judge(flawed_coins.as_coins(coins_truth().masks)) == (1, 1, 1, 0, 1)


def test_what_can_be_worked_out_by_hand(table) -> None:
    assert table["6 of 24 missed"]["mask AP"] == pytest.approx(76 / 101)
    assert table["6 invented"]["mask AP"] == pytest.approx(24 / 30)
    assert table["6 of 24 missed"]["PQ"] == pytest.approx(18 / (18 + 3))
    assert table["6 invented"]["PQ"] == pytest.approx(24 / (24 + 3))


def test_blind_spots(table) -> None:
    assert table["every coin twice"]["PQ"] == 1
    assert table["a hole in each"]["trimap, 3 px"] == 1
    for fault in ("every coin twice", "6 of 24 missed", "6 invented"):
        assert table[fault]["ASSD, px"] == 0
    orders = {tuple(sorted(table, key=lambda f: -table[f][m])) for m in METRICS if m != "ASSD, px"}
    assert len(orders) == 4  # no two of the four agree


def test_finding_costs_the_same_at_every_threshold_and_drawing_does_not() -> None:
    coins = coins_truth()
    curves = {
        name: average_precision([detector], [coins]).per_threshold
        for name, detector in flawed_coins.single_flaws().items()
    }
    assert curves["6 of 24 missed"].std() < 1e-9 and curves["every coin twice"].std() < 1e-9
    assert curves["3 px too small"][0] == 1 and curves["3 px too small"][5] < 0.01


def test_the_sloppy_detector_reports_26_masks() -> None:
    detector = flawed_coins.sloppy_detector()
    assert len(detector) == 21 + 3 + 2 and bool(detector.masks.any(dim=(1, 2)).all())
    assert len(torch.unique(detector.scores)) == 26  # no two alike: their order is never by chance
    parts = flawed_coins.sloppy_parts()
    assert [len(masks) for masks in parts.values()] == [21, 3, 2, 3]
    coins = coins_truth().masks.any(dim=0)
    assert not (parts["on no coin"] & coins).any()
