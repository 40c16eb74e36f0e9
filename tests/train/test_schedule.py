"""The learning rate: up in a line, down in half a cosine, and on time."""

import math

import pytest

from minseg.train.schedule import Schedule, first_guess, plan


def test_the_curve():
    schedule = plan(110, 0.1)
    assert schedule == Schedule(110, 11)
    rates = [schedule.rate(step) for step in range(110)]
    assert rates[0] == pytest.approx(1 / 11) and rates[10] == rates[11] == 1
    assert rates[11 + 33] == pytest.approx(0.5 * (1 + math.cos(math.pi / 3)))
    assert rates[60] > rates[61] and 0 < rates[-1] < 1e-3


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_runs_learn_in_every_step(steps):
    schedule = plan(steps, 0.9)
    assert all(0 < schedule.rate(step) <= 1 for step in range(steps))


def test_a_guess_is_mended_by_the_pace_of_the_last_steps():
    """Guessed at 0.1 s a step; the later half of warm-up takes 0.2 s."""
    schedule = first_guess(100, 0.1, 0.1)
    assert schedule == Schedule(1000, 100, settled=False)
    spent = [0.1] * 50 + [0.2] * 50
    assert schedule.settle(100, spent) == Schedule(100 + round(85 / 0.2), 100)


def test_a_run_that_is_late_already_ends_after_one_more_step():
    late = first_guess(1, 0.1, 5.0)
    assert late == Schedule(1, 1, settled=False)
    assert late.settle(1, [5.0]).steps == 2


def test_no_warm_up_still_measures_one_step():
    assert first_guess(10, 0.0, 1.0).warm_up == 1
