"""Pictures of units 43 to 45 show the closed forms that they are drawn from."""

import numpy as np
import pytest
import torch

from minseg.draw import figure
from minseg.draw.strategies import RUNS, draw_angles, draw_decades, draw_ends, draw_picks
from minseg.experiments.shared_gradients import SharedGradients
from minseg.experiments.two_tasks import NOISE, RULES, resting_place
from minseg.experiments.wrong_labels import WAVES, scatter


def test_both_losses_cross_where_the_weight_is_1_and_the_dial_in_the_middle():
    _, ax = figure()
    draw_decades(ax, "decades")
    a, b = (np.asarray(line.get_ydata()) for line in ax.get_lines())
    weights = np.asarray(ax.get_lines()[0].get_xdata())
    assert (np.diff(a) > 0).all() and (np.diff(b) < 0).all()
    assert weights[np.abs(a - b).argmin()] == pytest.approx(1)
    assert a[0] == pytest.approx(NOISE, abs=0.001) == pytest.approx(b[-1], abs=0.001)


def test_angles_above_stand_over_the_weight_that_leads_there():
    fig, ax = figure()
    draw_decades(ax, "decades")
    (top,) = (other for other in fig.axes if other is not ax)
    degrees = [float(label.get_text().rstrip("°")) for label in top.get_xticklabels()]
    at = resting_place(torch.tensor(top.get_xticks())).rad2deg()
    assert at.tolist() == pytest.approx(degrees)


def test_each_rule_has_a_row_and_each_run_a_mark_in_it():
    _, ax = figure()
    ends = {rule: [10.0 * k, 20.0, 30.0, 40.0] for k, rule in enumerate(RULES)}
    draw_ends(ax, ends, "ends")
    marks = [line.get_xydata()[0].tolist() for line in ax.get_lines()]
    assert len(marks) == len(RULES) * len(RUNS)
    assert [round(y) for _, y in marks] == [k for k in range(len(RULES)) for _ in RUNS]
    assert [x for x, _ in marks[:: len(RUNS)]] == [0, 10, 20, 30]
    assert len(ax.get_legend().get_texts()) == len(RUNS)


def test_cosines_are_written_in_their_cells_and_lengths_beside_names():
    rows = torch.tensor([[3.0, 0.0], [-1.0, 1.0]])
    found = SharedGradients(("rpn_box", "mask"), torch.ones(2), rows, (rows @ rows.T).double())
    _, ax = figure()
    draw_angles(ax, found, "angles")
    assert [text.get_text() for text in ax.texts] == ["1.0", "−0.7", "−0.7", "1.0"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rpn_box  3.00", "mask  1.41"]
    shown = np.ma.getmaskarray(ax.images[0].get_array())
    assert shown.diagonal().all(), "a gradient's cosine with itself has no colour"


def test_wrong_labels_carry_a_ring():
    x, true, written = scatter(40, wrong=0.2)
    w = torch.zeros(WAVES + 1, dtype=torch.float64)
    w[0], w[-1] = 1.0, 0.1  # one wave: a border in the picture
    _, ax = figure()
    draw_picks(ax, w, x, written, written != true, "picks")
    positive, negative, ringed = (np.stack(line.get_data(), axis=1) for line in ax.get_lines())
    assert len(positive) + len(negative) == 40
    np.testing.assert_array_equal(ringed, x[written != true])
    np.testing.assert_array_equal(positive, x[written])
