"""The experiments of units 40 to 42, each against what it says that it measures."""

import pytest
import torch

from minseg.data import SceneDataset
from minseg.experiments import mask_rcnn_probes
from minseg.losses import mask_bce
from minseg.models import MaskRCNN


@pytest.fixture(scope="module")
def scenes():
    return [SceneDataset("val")[k] for k in range(2)]


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(widths=(8, 16, 16, 16), channels=16, box_width=16, mask_width=16)


def test_the_flow_has_one_row_for_each_roi(model, scenes):
    flow = mask_rcnn_probes.flow(model, scenes[0].image[:, :100])  # padded to 112 × 128
    anchors = 3 * (28 * 32 + 14 * 16 + 7 * 8)
    assert flow["image"].shape == (1, 3, 112, 128)
    assert flow["objectness"].shape == (1, anchors)
    rois = flow["RoIs"]
    of_rois = list(flow)[list(flow).index("RoIs") :]
    assert {len(flow[name]) for name in of_rois} == {len(rois)} and len(rois) <= 100
    assert flow["RoIs, read for boxes"].shape[2:] == (7, 7)
    assert list(flow)[:4] == ["image", *(f"features, stride {s}" for s in (4, 8, 16))]


@pytest.mark.slow
def test_the_last_pull_is_the_gradient_of_the_sum(model, scenes):
    losses, pulls = mask_rcnn_probes.pulls(model, scenes)
    assert len(losses) == 5 and len(pulls) == 6
    torch.testing.assert_close(pulls[5], pulls[:5].sum(dim=0), atol=1e-5, rtol=1e-4)
    assert pulls.shape[1] == sum(p.numel() for p in model.backbone.parameters())


def test_pushes_land_on_the_channel_that_each_loss_names(model, scenes):
    push = mask_rcnn_probes.mask_pushes(model, scenes)
    count = sum(len(scene.instances) for scene in scenes)
    assert len(push.classes) == count
    each = torch.arange(count)
    for gradient, channel in ((push.mean, push.classes), (push.predicted, push.said)):
        elsewhere = gradient.clone()
        elsewhere[each, channel] = 0
        assert gradient.any() and not elsewhere.any()
    torch.testing.assert_close(push.total, 784 * push.mean)
    assert push.softmax.flatten(2).any(dim=2).all(), "every channel of every thing is pushed"


def test_a_sum_over_all_softmax_channels_and_background_is_no_push(model, scenes):
    """A softmax only shifts probability: the pushes of C classes add up to minus background's."""
    push = mask_rcnn_probes.mask_pushes(model, scenes)
    with_background = push.softmax.sum(dim=1)  # = P(not background) − t, over the count of cells
    assert with_background.abs().max() <= 1 / (784 * len(push.classes)) + 1e-9


def test_boxes_are_moved_by_what_is_asked(scenes):
    """A head that fills every box: IoU falls with the shift, and so does what is inside."""
    torch.manual_seed(0)
    full = MaskRCNN(classes=1, widths=(8, 16, 16, 16), channels=16, box_width=16, mask_width=16)
    torch.nn.init.zeros_(full.mask_head.predict.weight)
    torch.nn.init.constant_(full.mask_head.predict.bias, 9.0)
    image, truth = scenes[0].image, scenes[0].instances
    worth = mask_rcnn_probes.masks_in_moved_boxes(full, image, truth, (0, 5, 500))
    assert worth[0][1] == 1 and worth[500] == (0, 0)
    assert 1 > worth[5][1] > 0 and worth[0][0] > worth[5][0] > 0


@pytest.mark.slow
def test_a_head_learns_the_classes_that_it_is_given(model):
    things = mask_rcnn_probes.things_of(model, "train", 6)
    assert things.grids.shape[1:] == (16, 14, 14) and things.targets.shape[1:] == (28, 28)
    discs = mask_rcnn_probes.Things(*(part[things.classes == 0] for part in things))
    state = torch.random.get_rng_state()
    head = mask_rcnn_probes.learn_masks(discs, class_agnostic=False)
    assert torch.equal(torch.random.get_rng_state(), state)
    with torch.no_grad():
        loss = mask_bce(head(discs.grids)[:, 0], discs.targets).mean()
    assert loss < 0.5 < mask_rcnn_probes.quality_by_class(head, discs)[0]
