"""What a scene teaches is what the model's own losses are made of."""

import pytest
import torch

from minseg.boxes import decode
from minseg.data import SceneDataset
from minseg.experiments.teaching import positive_deltas, teaching
from minseg.models import MaskRCNN
from minseg.models.mask_rcnn.roi_heads import mask_loss


@pytest.fixture(scope="module")
def model() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN(widths=(8, 16, 16, 16), channels=16, box_width=16, mask_width=16)


@pytest.fixture(scope="module")
def taught(model):
    return teaching(model, [SceneDataset("val")[k] for k in range(2)])


def test_shapes_agree(taught):
    assert taught.yes.shape == taught.no.shape == taught.overlaps.shape[:2]
    assert not (taught.yes & taught.no).any()
    assert len(taught.masks) == taught.positive.sum() > 0
    assert len(taught.sample.rois) == len(taught.positive) == 64, "32 of each image"


def test_every_thing_has_an_anchor(taught):
    real = taught.truth.classes >= 0
    own = (taught.overlaps * taught.yes[..., None]).amax(dim=1)  # (B, G)
    assert (own[real] > 0).all()


def test_deltas_lead_to_the_true_boxes(taught):
    rois, things = taught.sample.rois[taught.positive], taught.sample.things[taught.positive]
    reached = decode(positive_deltas(taught), rois[:, 1:])
    torch.testing.assert_close(reached, taught.truth.boxes[rois[:, 0].long(), things])


def test_the_masks_are_those_of_the_models_loss(model):
    """Before training each cell is a coin's toss."""
    scene = SceneDataset("val")[0]
    taught = teaching(model, [scene])
    positive = taught.positive
    with torch.no_grad():
        logits = model.read_masks(taught.pyramid, taught.sample.rois[positive])
    loss = mask_loss(logits, taught.sample.classes[positive], taught.masks)
    assert 0.3 < loss < 1.5, "near ln 2 before training"
