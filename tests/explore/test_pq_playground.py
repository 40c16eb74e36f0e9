"""The PQ playground: edits, clicks and drags, and the metrics' numbers after each of them."""

import json

import pytest
import torch
from helpers.questions import ask, nudge
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.data import STUFF, make_scene
from minseg.explore import PQPlayground
from minseg.metrics import panoptic_errors, panoptic_quality

SCENE = make_scene(9, (96, 128), count=(5, 6)).panoptic
EDITS = st.sampled_from(["split", "erode", "grow", "relabel", "delete", "move", "merge"])


@pytest.fixture
def playground():
    return PQPlayground(SCENE)


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(EDITS, st.integers(0, 99)), max_size=6))
def test_shows_what_the_metrics_say_after_any_edits(done):
    playground = PQPlayground(SCENE)
    for name, k in done:
        ids = [one["id"] for one in playground.view["segments"]]
        more = {"move": (k % 9 - 4, k % 5 - 2), "merge": (ids[(k + 1) % len(ids)],)}.get(name, ())
        playground.edit(name, ids[k % len(ids)], *more)
    maps, classes = ([playground.prediction], [SCENE]), {"things": [1, 2, 3], "stuff": STUFF}
    quality = panoptic_quality(*maps, **classes)
    assert playground.view["rows"][0][1:4] == [
        f"{v:.3f}" for v in (quality.pq, quality.sq, quality.rq)
    ]
    errors = panoptic_errors(*maps, **classes)
    assert [share for _, share, _ in playground.view["parts"]] == [
        pytest.approx(getattr(errors, name))
        for name in ("pq", "boundary_only", "poor_mask", "confused_class", "missed", "invented")
    ]
    matched = sum(one["said"] != "✗" for one in playground.view["segments"])
    assert matched == sum(one.tp for one in quality.per_class.values())
    view = {name: value for name, value in playground.view.items() if name != "png"}
    json.dumps(view)  # everything can be sent


def test_a_click_selects_and_a_second_one_merges(playground):
    ask(playground, do="point", at=[100, 69])
    assert playground.selected == 1001 and playground.view["answers"] == 7
    ask(playground, do="merge")
    assert playground.merging
    ask(playground, do="point", at=[6, 6])
    assert not playground.merging and not (playground.prediction == 1003).any()
    assert playground.view["missed"] == [1001], "the union matches the larger disc"


def test_each_step_of_a_drag_begins_where_the_drag_began(playground):
    ask(playground, do="point", at=[100, 69])
    for dx in range(1, 6):
        ask(playground, do="drag", by=[dx, 0])
    straight = PQPlayground(SCENE)
    straight.edit("move", 1001, 5, 0)
    assert torch.equal(playground.prediction, straight.prediction)
    assert "PQ 0.970 → 0.964" in playground.view["said"]
    ask(playground, do="undo")
    assert torch.equal(playground.prediction, SCENE), "one drag is one edit"


def test_a_new_click_begins_a_new_drag(playground):
    ask(playground, do="point", at=[100, 69])
    ask(playground, do="drag", by=[5, 0])
    ask(playground, do="point", at=[105, 69])
    ask(playground, do="drag", by=[5, 0])
    assert bool((playground.prediction == 1001)[69, 110])


def test_keys_walk_through_all_segments_and_come_back(playground):
    seen = []
    for _ in range(9):
        ask(playground, do="step", by=1)
        seen.append(playground.selected)
    assert len(set(seen)) == 9 == len(playground.view["segments"])
    ask(playground, do="step", by=1)
    assert playground.selected == seen[0]


def test_a_relabelled_segment_stays_selected(playground):
    ask(playground, do="point", at=[100, 69])
    ask(playground, do="relabel")
    assert playground.selected == 2001
    ask(playground, do="delete")
    assert playground.selected == 0 and playground.view["chosen"] == "nothing"


def test_undo_and_reset_go_back(playground):
    playground.edit("delete", 1001)
    spoilt = playground.prediction
    playground.reset()
    assert playground.quality.pq == 1
    playground.undo()
    assert torch.equal(playground.prediction, spoilt)
    for _ in range(5):
        playground.undo()
    assert playground.quality.pq == 1


def test_without_a_selection_buttons_explain(playground):
    for action in ("erode", "merge", "drag"):
        ask(playground, do=action, by=[1, 1])
        assert playground.view["said"] == "Choose a segment of the prediction first."
    assert torch.equal(playground.prediction, SCENE)


def test_a_refused_edit_is_said_and_answered(playground):
    tiny = SCENE.clone()
    tiny[50, 60] = 1009
    playground = PQPlayground(tiny)
    playground.selected = 1009
    ask(playground, do="split")
    assert "one pixel" in playground.view["said"] and playground.view["answers"] == 7
    drawn = playground.view["drawn"]
    nudge(playground)
    assert playground.view["drawn"] == drawn


def test_has_a_still_picture_with_alt_text(playground):
    bundle, metadata = playground._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBORw0KGgo")
    assert "PQ 1.000" in metadata["image/png"]["alt"]


def test_says_what_it_needs(playground):
    with pytest.raises(ValueError, match="name must be one of merge, split"):
        playground.edit("explode", 1001)
    with pytest.raises(ValueError, match="segment must be an id in the map"):
        playground.edit("erode", 1099)
    with pytest.raises(ValueError, match="one shape"):
        PQPlayground(SCENE, SCENE[:50])
    with pytest.raises(ValueError, match="neither in things nor in stuff"):
        PQPlayground(SCENE, things={1: "disc"})
