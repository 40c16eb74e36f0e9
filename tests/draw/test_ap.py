"""Pictures of average precision: every detection has its number, and the curve its envelope."""

import numpy as np
import torch

from minseg.draw import figure
from minseg.draw.ap import LOOKS, draw_area, draw_curve, draw_scene
from minseg.metrics.ap_curve import area_under, precision_recall


def test_truths_have_letters_and_detections_numbers_in_the_colour_of_their_verdict():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]])
    _, ax = figure()
    draw_scene(ax, boxes[:2], boxes, ("TP", "ignored", "FP"), "scene")
    assert [text.get_text() for text in ax.texts] == ["A", "B", "1", "2", "3"]
    colours = [text.get_color() for text in ax.texts[2:]]
    assert colours == [LOOKS[verdict][0] for verdict in ("TP", "ignored", "FP")]
    assert [box.get_linestyle() for box in ax.patches[2:]] == ["-", ":", "--"]


def test_the_envelope_is_the_best_precision_to_the_right():
    _, ax = figure()
    draw_curve(ax, [1.0, 0.5, 2 / 3], [0.5, 0.5, 1.0], [1, 2, 3], ["TP", "FP", "TP"])
    envelope, curve, *marks = ax.get_lines()
    np.testing.assert_allclose(envelope.get_xdata(), [0, 0.5, 0.5, 1])
    np.testing.assert_allclose(envelope.get_ydata(), [1, 1, 2 / 3, 2 / 3])
    np.testing.assert_allclose(curve.get_ydata(), [1, 0.5, 2 / 3])
    assert [mark.get_marker() for mark in marks] == ["o", "X", "o"]


def test_numbers_keep_away_from_each_other():
    _, ax = figure()
    box = torch.tensor([[0.0, 0, 10, 10]])
    draw_scene(ax, box, box.repeat(4, 1), ("TP", "FP", "FP", "FP"))
    places = [text.get_position() for text in ax.texts]
    assert len(set(places)) == 5  # four equal boxes, a corner for each


def test_an_area_is_what_the_average_says():
    right = np.array([1, 0, 1, 1, 0, 0, 1, 0, 0, 0], dtype=bool)
    precision, recall = precision_recall(right, 5)
    for raw, rule in ((True, "raw"), (False, "all")):
        _, ax = figure()
        draw_area(ax, precision, recall, raw=raw)
        (line,) = ax.get_lines()
        area = (np.diff(line.get_xdata()) * line.get_ydata()[1:]).sum()
        np.testing.assert_allclose(area, area_under(precision, recall, rule))
    _, ax = figure()
    draw_area(ax, precision, recall, np.arange(11) / 10)
    tops = [segment[1, 1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(np.mean(tops), 0.649, atol=5e-4)
