"""DETR traced: what a query says and where it looks, as the model and its losses have it."""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.data.example import Example
from minseg.experiments.detr_trace import DETRTrace
from minseg.models import DETR

SMALL = {"widths": (8, 8, 8), "channels": 8, "width": 16, "hidden": 16, "mask_width": 8,
         "queries": 6, "heads": (2, 4), "layers": (1, 2)}  # fmt: skip
SCENE = SceneDataset("val", size=(64, 84))[1]  # padded to 64 × 88


def model_of(**options) -> DETR:
    torch.manual_seed(0)
    return DETR(**{**SMALL, **options})


@pytest.fixture(scope="module")
def trace() -> DETRTrace:
    return DETRTrace(model_of(), SCENE)


def test_shapes_are_those_of_layers_queries_and_the_image(trace):
    assert trace.looks.shape == (2, 4, 6, 8, 11)
    assert trace.probabilities.shape == (2, 6, 4) and trace.boxes.shape == (2, 6, 4)
    assert trace.masks.shape == (2, 6, 64, 84) and trace.iou.shape == (2, 6, len(trace.truth))
    torch.testing.assert_close(trace.looks.sum(dim=(3, 4)), torch.ones(2, 4, 6))
    assert (trace.looks[..., 10].sum(dim=-1) > 0).all(), "the last column of cells is half real"


def test_the_last_layer_is_what_the_model_predicts(trace):
    (found,) = trace.model.predict(SCENE.image[None], score_threshold=0.0)
    best = trace.probabilities[-1, :, :-1].max(dim=1).values
    order = best.argsort(descending=True, stable=True)
    drawn = order[trace.masks[-1, order].flatten(1).any(dim=1)]
    assert torch.equal(found.masks, trace.masks[-1, drawn])
    torch.testing.assert_close(found.scores, best[drawn])


@pytest.mark.parametrize("matching", ["boxes", "masks", "classes"])
def test_each_thing_has_one_query_to_answer_for_it(matching):
    trace = DETRTrace(model_of(matching=matching), SCENE)
    for partner in trace.partner:
        assert sorted(partner[partner >= 0].tolist()) == list(range(len(trace.truth)))


def test_a_look_at_one_cell_lies_on_what_covers_the_cell(trace):
    for thing, cover in enumerate(trace.cover):
        i, j = divmod(int(cover.argmax()), cover.shape[1])
        look = torch.zeros(8, 11)
        look[i, j] = 1
        inside = trace.truth.masks[thing, 8 * i : 8 * i + 8, 8 * j : 8 * j + 8]
        assert trace.share_on(look, thing) == pytest.approx(inside.float().mean().item())
    torch.testing.assert_close(trace.look(1, 2), trace.looks[1, :, 2].mean(dim=0))
    assert torch.equal(trace.look(1, 2, 3), trace.looks[1, 3, 2])


def test_a_query_without_a_partner_is_compared_with_what_it_fits_best(trace):
    for query in range(6):
        partner, thing = int(trace.partner[-1, query]), trace.thing_of(query)
        if partner >= 0:
            assert thing == partner
        elif thing >= 0:
            assert trace.iou[-1, query, thing] == trace.iou[-1, query].max() > 0


def test_a_scene_without_things():
    empty = DETRTrace(model_of(), Example(SCENE.image, SCENE.instances[:0]))
    assert (empty.partner == -1).all() and empty.cover.shape == (0, 8, 11)
    assert empty.thing_of(0) == -1


def test_a_model_with_stuff_answers_for_it_too():
    trace = DETRTrace(model_of(stuff=(6, 7, 8), queries=12), SCENE)
    assert len(trace.truth) > len(SCENE.instances)
    with pytest.raises(ValueError, match="must be an Example with a panoptic map"):
        DETRTrace(model_of(stuff=(6,)), Example(SCENE.image, SCENE.instances))
