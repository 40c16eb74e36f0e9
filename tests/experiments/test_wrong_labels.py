"""A circle that is learnt from points, some of them labelled wrong."""

import pytest
import torch

from minseg.experiments.wrong_labels import RADIUS, error, learn, scatter


def test_labels_are_wrong_as_often_as_asked():
    x, true, written = scatter(20_000, 0.02)
    assert (x.norm(dim=1) < RADIUS).equal(true)
    assert (true != written).double().mean() == pytest.approx(0.02, abs=0.004)
    assert scatter(50, 0.0)[1].equal(scatter(50, 0.0)[2])


def test_learning_the_circle():
    x, true, _ = scatter(2000, 0.0)
    w, each, picks = learn(x, true, lambda each: slice(None), steps=150)
    assert error(w) < 0.03 < 0.4 < error(torch.zeros_like(w))
    assert each.shape == (2000,) and picks == 150 * [slice(None)]
    reversed_, _, _ = learn(x, ~true, lambda each: slice(None))
    assert error(reversed_) > 0.97
