"""The query viewer: queries, layers and heads as traits, the numbers of a query, the still."""

from typing import Any

import pytest
import torch
from helpers.questions import ask, nudge
from helpers.stills import alt_text, redrawn

from minseg.data import SceneDataset
from minseg.data.example import Example
from minseg.explore import QueryViewer
from minseg.explore.query_viewer.numbers import DARK, spotlight
from minseg.models import DETR

SMALL: dict[str, Any] = {"widths": (8, 8, 8), "channels": 8, "width": 16, "hidden": 16,
                         "mask_width": 8, "queries": 6, "heads": (2, 4),
                         "layers": (1, 2)}  # fmt: skip
SCENE = SceneDataset("val", size=(64, 84))[1]


@pytest.fixture(scope="module")
def model() -> DETR:
    torch.manual_seed(0)
    return DETR(**SMALL)


@pytest.fixture
def viewer(model) -> QueryViewer:
    return QueryViewer(model, SCENE)


def test_it_opens_at_the_surest_query_and_the_last_layer(viewer):
    assert viewer.query == viewer.trace.surest_query() and viewer.layer == 1
    assert len(viewer.queries) == 6 and viewer.heads == 4 and viewer.head == 0


def test_the_view_is_of_the_chosen_query(viewer):
    viewer.query, viewer.layer = 3, 0
    trace = viewer.trace
    assert viewer.view["facts"].startswith("Query 4, layer 1 of 2: ")
    assert len(viewer.view["looks"]) == len(viewer.view["rows"]) == 2
    for layer, box in enumerate(viewer.view["boxes"]):
        assert box == pytest.approx(trace.boxes[layer, 3].tolist(), abs=0.051)
    thing = trace.thing_of(3)
    if thing >= 0:
        assert viewer.view["rows"][0][1] == f"{trace.iou[0, 3, thing]:.2f}"
    partner = int(trace.partner[1, 3])
    due = f"thing {partner + 1}" if partner >= 0 else "no object"
    assert viewer.view["rows"][1][3] == due


def test_a_head_looks_elsewhere_than_the_mean_of_all(viewer):
    mean = viewer.view["looks"]
    ask(viewer, head=2)
    assert viewer.view["looks"] != mean
    if viewer.trace.thing_of(viewer.query) >= 0:
        assert "the attention of head 2" in viewer.view["facts"]
    ask(viewer, head=0)
    assert viewer.view["looks"] == mean


def test_a_spotlight_is_brightest_where_a_query_looks_most():
    light = spotlight(torch.tensor([[0.0, 0.2], [0.8, 0.0]]))
    assert light[1, 0] == 1 and light[0, 0] == pytest.approx(DARK)
    assert light[0, 1] == pytest.approx(DARK + (1 - DARK) / 4)
    assert torch.isfinite(spotlight(torch.zeros(2, 2))).all()


def test_numbers_beyond_the_ends_are_the_ends(viewer):
    ask(viewer, query=99, layer=-1, head=9)
    assert (viewer.query, viewer.layer, viewer.head) == (5, 0, 4)


def test_a_message_is_answered_once(viewer):
    sent: list[int] = []
    viewer.observe(lambda change: sent.append(change["new"]["answers"]), ["view"])
    ask(viewer, query=1, layer=0, n=7)
    nudge(viewer)
    ask(viewer, query=1, n=8)  # nothing has changed
    assert sent == [7, 8]


def test_a_scene_without_things(model):
    empty = QueryViewer(model, Example(SCENE.image, SCENE.instances[:0]))
    assert empty.view["facts"].endswith("it touches no thing.")
    assert empty.view["rows"][0][1:] == ["–", "–", "no object"]


def test_the_still_picture_shows_the_chosen_query(viewer):
    assert viewer.view["facts"] in alt_text(viewer)
    told = repr(viewer)
    with redrawn(viewer):
        viewer.query = (viewer.query + 1) % 6
    assert repr(viewer) == told, "what a model has learnt differs between machines"
