"""Four truths of one image: the same thing looks the same in all panels that tell things apart."""

import pytest
import torch

from minseg.data import STUFF, THINGS, make_scene
from minseg.draw import figure
from minseg.draw.tasks import (
    TITLES,
    class_colour,
    draw_four_truths,
    draw_mask,
    draw_orders,
    sorted_things,
)


@pytest.fixture(scope="module")
def scene():
    return make_scene(33, (96, 128), things=("disc", "triangle", "star", "ring"), count=(6, 6))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_names_of_classes_and_numbers_of_things(scene):
    _, axes = figure(columns=4, height=245)
    things, names = sorted_things(scene.instances), {**THINGS, **STUFF}
    draw_four_truths(axes, scene.image, things, scene.semantic, names, titles=True)
    assert [ax.get_title() for ax in axes] == list(TITLES)
    numbers = [str(k) for k in range(1, 7)]
    assert sorted(texts(axes[0])) == sorted(names[k] for k in things.labels.tolist())
    assert sorted(texts(axes[1])) == sorted(names[k] for k in scene.semantic.unique().tolist())
    assert sorted(texts(axes[2])) == numbers
    assert sorted(texts(axes[3])) == sorted(
        numbers + [STUFF[k] for k in scene.semantic.unique().tolist() if k in STUFF]
    )


def test_sorting_keeps_the_set(scene):
    things = sorted_things(scene.instances)
    assert things.labels.tolist() == sorted(scene.instances.labels.tolist())
    assert torch.equal(things.masks.sum(dim=0), scene.instances.masks.sum(dim=0))


def test_no_two_classes_have_one_colour():
    classes = [*THINGS, *STUFF, 9]
    assert len({class_colour(c) for c in classes}) == len(classes)


def test_columns_are_numbered_in_the_middle_and_edges_at_the_edges():
    mask = torch.zeros(2, 3, dtype=torch.bool)
    for box, ticks in ((None, [0.5, 1.5, 2.5]), (torch.tensor([1.0, 0, 3, 2]), [0, 1, 2, 3])):
        _, ax = figure()
        draw_mask(ax, mask, box=box)
        assert ax.get_xticks().tolist() == ticks
        assert [text.get_text() for text in ax.get_xticklabels()] == [
            str(k) for k in range(len(ticks))
        ]


def test_the_order_that_fits_is_marked():
    _, ax = figure()
    draw_orders(ax, torch.tensor([0.3, 0.8, 0.8]), torch.tensor(0.3))
    assert "one order of 3" in ax.texts[0].get_text()
    assert sum(bar.get_height() for bar in ax.patches) == 3
