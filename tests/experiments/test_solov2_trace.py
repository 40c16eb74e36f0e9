"""SOLOv2 traced: terms add up to the model's own mask, cells have numbers, candidates an order."""

import pytest
import torch
import torch.nn.functional as F

from minseg.data import SceneDataset
from minseg.experiments.solov2_trace import SOLOv2Trace
from minseg.instances import Instances
from minseg.models import SOLOv2
from minseg.models.padding import pad_images

SMALL = {"widths": (8, 8, 8, 8), "channels": 8, "width": 8, "mask_width": 16, "grids": (24, 16, 8)}


def trace_of(**options) -> SOLOv2Trace:
    torch.manual_seed(0)
    scene = SceneDataset("val", size=(64, 88))[1]  # padded to 64 × 96
    return SOLOv2Trace(SOLOv2(**SMALL, **options), scene.image, scene.instances)


@pytest.fixture(scope="module")
def trace() -> SOLOv2Trace:
    return trace_of()


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_terms_add_up_to_the_mask_that_the_model_reads(kernel_size):
    trace = trace_of(kernel_size=kernel_size)
    with torch.no_grad():
        seen = trace.model.look(pad_images(trace.image[None], 16)[0])
        for cell in (0, 577, 895):
            pick = torch.tensor([0]), torch.tensor([cell])
            due = trace.model.read_masks(seen.features, *pick)[0]
            torch.testing.assert_close(trace.terms(cell).sum(dim=0), due, atol=1e-4, rtol=1e-4)


def test_each_cell_has_a_number_and_a_place(trace):
    assert trace.starts == [0, 576, 832, 896] and len(trace.kernels) == 896
    assert trace.cell(1, 2, 3) == 576 + 2 * 16 + 3
    for cell in (0, 575, 576, 831, 832, 895):
        assert trace.cell(*trace.place(cell)) == cell


def test_owners_are_those_of_training(trace):
    owned = trace.owners[trace.owners >= 0]
    assert set(owned.tolist()) <= set(range(len(trace.truth)))
    assert len(owned) > 0 and len(trace.owners) == 896


def test_all_channels_draw_the_whole_mask_and_weak_ones_only_their_mean(trace):
    terms = trace.terms(700)
    order = trace.strongest(terms)
    spread = terms[order].flatten(1).std(dim=1)
    assert (spread.diff() <= 0).all()
    torch.testing.assert_close(trace.partial(terms, order, 16), terms.sum(dim=0))
    one = trace.partial(terms, order, 1)
    torch.testing.assert_close(one - one.mean(), terms[order[0]] - terms[order[0]].mean())
    torch.testing.assert_close(one.mean(), terms.sum(dim=0).mean())


def test_a_mask_is_compared_with_the_thing_that_it_fits_best(trace):
    thing = int(trace.truth.areas.argmax())
    shares = F.adaptive_avg_pool2d(trace.truth.masks[thing][None].float(), (16, 22))[0]
    logits = torch.full((16, 24), -9.0)
    logits[:, :22] = 18 * shares - 9
    found = trace.mask(logits)
    assert found.thing == thing and found.iou > 0.7 and found.mask.shape == (64, 88)
    empty = trace.mask(torch.full((16, 24), -9.0))
    assert (empty.iou, empty.thing, empty.sure) == (0, -1, 0)


def test_the_next_candidate_comes_round(trace):
    trace.found = torch.tensor([5, 700, 9])
    assert [trace.next_cell(cell) for cell in (5, 700, 9, 123)] == [700, 9, 5, 5]
    assert trace.best_cell() == 5
    trace.found = torch.tensor([], dtype=torch.int64)
    assert trace.next_cell(123) == 123
    assert trace.best_cell() == int(trace.classes.amax(dim=1).argmax())


def test_empty_masks_and_crowds_are_no_things():
    scene = SceneDataset("val", size=64)[0]
    one = scene.instances[:1]
    nothing = torch.zeros_like(one.masks)
    masks = torch.cat([nothing, one.masks, one.masks])
    crowd = torch.tensor([False, True, False])
    truth = Instances(masks, one.labels.expand(3), crowd=crowd)
    trace = SOLOv2Trace(SOLOv2(**SMALL), scene.image, truth)
    assert len(trace.truth) == 1 and set(trace.owners.tolist()) == {-1, 0}
