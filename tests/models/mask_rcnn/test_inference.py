"""From numbers to instances, on cases done by hand."""

import torch

from minseg.boxes import encode
from minseg.masks import from_grid
from minseg.models.mask_rcnn.inference import Detections, detect, paste, paste_crops
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS

SIZE = torch.tensor([40, 60])


def test_a_proposal_moves_by_the_deltas_of_its_class():
    proposal, box = torch.tensor([[10.0, 10, 20, 20]]), torch.tensor([[12.0, 8, 30, 24]])
    deltas = torch.zeros(1, 2, 4)
    deltas[0, 1] = encode(box, proposal, BOX_WEIGHTS)
    found = detect(torch.tensor([[0.0, 20, 0]]), deltas, proposal, SIZE)
    torch.testing.assert_close(found.boxes, box)
    assert found.classes.tolist() == [1] and found.scores.item() > 0.999


def test_suppression_within_a_class_and_not_between():
    boxes = torch.tensor([[10.0, 10, 20, 20], [10, 11, 20, 21], [30, 10, 40, 20]])
    probability = torch.tensor([[0.5, 0.3, 0.2], [0.6, 0.1, 0.3], [0.04, 0.06, 0.9]])
    found = detect(probability.log(), torch.zeros(3, 2, 4), boxes, SIZE)
    assert found.classes.tolist() == [0, 1, 1]
    torch.testing.assert_close(found.scores, torch.tensor([0.6, 0.3, 0.06]))  # best first; > .05
    assert torch.equal(found.boxes, boxes[[1, 0, 2]])
    assert len(detect(probability.log(), torch.zeros(3, 2, 4), boxes, SIZE, most=1).boxes) == 1


def test_boxes_end_at_the_image():
    boxes = torch.tensor([[-5.0, 30, 10, 70], [70, 10, 90, 20]])
    found = detect(torch.tensor([[9.0, 0], [9, 0]]), torch.zeros(2, 1, 4), boxes, SIZE)
    assert found.boxes.tolist() == [[0, 30, 10, 40]]  # the other one lies outside


def test_nothing_found():
    found = detect(torch.tensor([[0.0, 9]]), torch.zeros(1, 1, 4), torch.ones(1, 4), SIZE)
    assert len(found.boxes) == 0
    instances = paste(found, torch.zeros(0, 1, 28, 28), (3,), SIZE)
    assert instances.masks.shape == (0, 40, 60)


def test_the_predicted_class_is_pasted_at_pixel_centres():
    """A full mask covers the pixels whose centres lie in its box; the other channel says no."""
    found = Detections(torch.tensor([[10.4, 5.6, 20, 15]]), torch.tensor([1]), torch.tensor([0.9]))
    logits = torch.full((1, 2, 28, 28), -9.0)
    logits[:, 1] = 9
    instances = paste(found, logits, (4, 7), SIZE)
    expected = torch.zeros(40, 60, dtype=torch.bool)
    expected[6:15, 10:20] = True
    assert instances.labels.tolist() == [7] and torch.equal(instances.masks[0], expected)


def test_a_mask_without_a_pixel_is_left_out():
    found = Detections(torch.tensor([[5.0, 5, 9, 9]] * 2), torch.tensor([0, 0]), torch.ones(2))
    logits = torch.stack([torch.full((1, 28, 28), -9.0), torch.full((1, 28, 28), 9.0)])
    assert len(paste(found, logits, (1,), SIZE)) == 1


def test_masks_within_their_boxes_are_the_same_masks():
    generator = torch.Generator().manual_seed(2)
    corners = torch.rand(20, 2, 2, generator=generator) * torch.tensor([60, 40])
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    classes = torch.randint(2, (20,), generator=generator)
    found = Detections(boxes, classes, torch.linspace(1, 0, 20))
    logits = torch.randn(20, 2, 28, 28, generator=generator)
    crops = paste_crops(found, logits, (4, 7), SIZE)
    grids = logits[torch.arange(20), classes].sigmoid()
    masks = from_grid(grids, boxes, 40, 60)
    some = masks.flatten(1).any(dim=1)
    dense = crops.dense()
    assert torch.equal(dense.masks, masks[some]) and torch.equal(dense.scores, found.scores[some])
    assert crops.labels.tolist() == [(4, 7)[c] for c in classes[some]]
    assert sum(crop.mask.size for crop in crops.masks) < masks.numel() / 4
