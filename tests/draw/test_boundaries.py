"""Pictures of edge metrics: arrows end at the nearest pixel, ranks shade a column."""

import numpy as np
import pytest
import torch

from minseg.draw import figure
from minseg.draw.boundaries import draw_nearest, draw_trimap, draw_verdicts


def square(left: int) -> torch.Tensor:
    mask = torch.zeros(20, 40, dtype=torch.bool)
    mask[5:15, left : left + 10] = True
    return mask


def test_each_arrow_ends_at_the_nearest_pixel_of_the_other_outline() -> None:
    _, ax = figure()
    draw_nearest(ax, square(5), square(20), every=1)
    assert len(ax.texts) == 36  # outline pixels of a square of 10
    for arrow in ax.texts:
        (x2, y2), (x, y) = arrow.xy, arrow.xyann
        assert (x2, y2) == (14.5, y) and x >= 20.5  # straight to the left
    draw_nearest(ax, square(5), square(20), every=1, back=True)
    for arrow in ax.texts[36:]:
        assert arrow.xy == (20.5, arrow.xyann[1])  # straight to the right


@pytest.mark.parametrize(("width", "wrong"), [(1, 10), (3, 30), (30, 50)])
def test_only_what_is_wrong_in_the_band_is_marked(width: int, wrong: int) -> None:
    _, ax = figure()
    prediction = square(5) | square(10)  # five columns too many
    draw_trimap(ax, square(5), prediction, width)
    canvas = ax.images[0].get_array()
    marked = np.isclose(canvas, np.array([213, 94, 0]) / 255).all(axis=2)
    assert marked.sum() == wrong


def test_equal_numbers_are_shaded_alike_and_small_distances_are_good() -> None:
    _, ax = figure()
    table = {"a": (0.9, 3.0), "b": (0.5, 0.0), "c": (0.9, 0.0)}
    draw_verdicts(ax, table, ("IoU", "distance"), smaller_is_better=("distance",))
    rank = np.asarray(ax.collections[0].get_array()).reshape(3, 2)
    assert rank.tolist() == [[0, 2], [2, 0], [0, 0]]
    assert [text.get_text() for text in ax.texts[:2]] == ["0.90", "3.00"]
