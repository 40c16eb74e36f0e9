"""The whole model: losses, seeds, sizes, and everything that a batch may lack."""

import copy

import pytest
import torch

from minseg.instances import Instances
from minseg.models import MaskRCNN
from minseg.models.mask_rcnn import model as whole_model

NAMES = {"rpn_objectness", "rpn_box", "class", "box", "mask"}


def tiny(**options):
    torch.manual_seed(0)
    narrow = {
        "widths": (8, 8, 8, 8),
        "channels": 8,
        "box_width": 16,
        "mask_width": 8,
        "mask_convs": 1,
    }
    return MaskRCNN(**narrow | options)


def squares(*places, size=(48, 48), label=1):
    """Filled squares (row, column, side) in front of nothing, and a picture of them."""
    masks = torch.zeros(len(places), *size, dtype=torch.bool)
    for mask, (row, column, side) in zip(masks, places, strict=True):
        mask[row : row + side, column : column + side] = True
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(len(places))) * 0.2
    return image + masks.any(dim=0) * 0.8, Instances(masks, torch.full((len(places),), label))


def batch_of(*scenes):
    images, targets = zip(*scenes, strict=True)
    return list(images), list(targets)


SCENES = [
    squares((4, 4, 20), (30, 26, 12)),
    squares((10, 20, 16), label=3),
    squares(),
    squares((2, 2, 9), (20, 30, 14), (33, 3, 12), label=2),
]


def test_five_losses_and_a_gradient_for_every_weight():
    model = tiny()
    losses = model.losses(*batch_of(*SCENES))
    assert set(losses) == NAMES
    assert all(v.shape == () and v.dtype == torch.float32 and v > 0 for v in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_a_batch_split_over_processes_samples_and_trains_the_same(monkeypatch):
    """Two halves, their counts averaged by hand: the mean gradient is that of the whole batch."""
    model, seeds = tiny(rois_per_image=8, anchors_per_image=16), [3, 14, 15, 92]
    images, targets = batch_of(*SCENES)
    counts = []

    def record(count):
        counts.append(torch.as_tensor(count).float())
        return counts[-1].clamp(min=1)

    def gradient(half):
        model.zero_grad()
        losses = model.losses(images[half], targets[half], seeds=seeds[half])
        sum(losses.values()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    patch_normaliser(monkeypatch, record)
    whole, joint = gradient(slice(0, 4)), counts.copy()
    patch_normaliser(monkeypatch, lambda count: next(shares) / 2)  # the average over two processes
    halves = []
    for half in (slice(0, 2), slice(2, 4)):
        shares = iter(joint)
        halves.append(gradient(half))
    torch.testing.assert_close(sum(halves) / 2, whole, atol=1e-5, rtol=1e-3)


def test_every_loss_is_divided_by_the_count_of_all_processes(monkeypatch):
    model, batch, seeds = tiny(), batch_of(*SCENES), [1, 2, 3, 4]
    with torch.no_grad():
        alone = model.losses(*batch, seeds=seeds)
        patch_normaliser(monkeypatch, lambda count: torch.as_tensor(count) * 2.0)
        crowded = model.losses(*batch, seeds=seeds)
    for name, value in alone.items():
        torch.testing.assert_close(crowded[name], value / 2)


def patch_normaliser(monkeypatch, function):
    for module in ("rpn", "roi_heads"):
        monkeypatch.setattr(f"minseg.models.mask_rcnn.{module}.mean_over_processes", function)


def test_seeds_decide_what_is_drawn():
    model, (images, targets) = tiny(rois_per_image=4, anchors_per_image=8), batch_of(*SCENES)

    def total(seeds):
        with torch.no_grad():
            return sum(model.losses(images, targets, seeds=seeds).values()).item()

    torch.manual_seed(1)
    first = total([1, 2, 3, 4])
    torch.rand(7)  # the global generator has no say
    assert total([1, 2, 3, 4]) == first != total([5, 6, 7, 8])
    again = copy.deepcopy(model)
    unseeded = total(None)
    assert total(None) != unseeded == sum(again.losses(images, targets).values()).item()
    with pytest.raises(ValueError, match="expected 4 seeds, one for each image; got 2"):
        model.losses(images, targets, seeds=[1, 2])


def test_a_batch_without_things_teaches_only_no():
    model = tiny()
    losses = model.losses(*batch_of(squares(), squares()))
    assert losses["rpn_box"] == losses["box"] == losses["mask"] == 0
    assert losses["rpn_objectness"] > 0 and losses["class"] > 0
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())  # zeros count: no process waits


def test_a_thing_of_one_pixel_and_more_things_than_rois():
    crowded = squares(*[(6 * i, 6 * j, 1 if i == j else 5) for i in range(8) for j in range(8)])
    losses = tiny(rois_per_image=8).losses(*batch_of(crowded))
    assert all(v.isfinite() for v in losses.values())


def test_sizes_that_fit_no_stride_come_back_as_they_were():
    """The detections of an image lie within it, whatever else is in the batch."""
    model = tiny()
    sizes = [(48, 48), (37, 61), (16, 5)]
    images = [squares((2, 1, 4), size=size)[0] for size in sizes]
    results = model.predict(images, score_threshold=0)
    assert [tuple(r.masks.shape[1:]) for r in results] == sizes
    assert all(len(r) and (r.scores.diff() <= 0).all() for r in results)
    losses = model.losses(*batch_of(*[squares((2, 1, 4), size=size) for size in sizes]))
    assert all(v.isfinite() for v in losses.values())


def test_nothing_detected():
    results = tiny().predict(torch.rand(2, 3, 48, 48), score_threshold=0.999)
    assert [r.masks.shape for r in results] == [(0, 48, 48)] * 2


def test_nothing_proposed():
    """An RPN that shrinks every box below a pixel leaves the heads no RoI."""
    model = tiny()
    model.rpn.deltas.bias.data.view(-1, 4)[:, 2:] = -50.0
    results = model.predict(torch.rand(2, 3, 48, 48), score_threshold=0.0)
    assert [r.masks.shape for r in results] == [(0, 48, 48)] * 2


def test_masks_are_read_from_refined_boxes(monkeypatch):
    """What reaches the mask head are the boxes that `detect` gave back, not the proposals."""
    model, seen = tiny(), []
    moved = torch.tensor([[3.0, 4, 30, 31]])
    found = whole_model.detect(torch.tensor([[9.0, 0, 0, 0]]), torch.zeros(1, 3, 4), moved,
                             torch.tensor([48, 48]))  # fmt: skip
    monkeypatch.setattr(whole_model, "detect", lambda *_: found)
    read = model.read_masks
    monkeypatch.setattr(model, "read_masks", lambda p, rois: seen.append(rois) or read(p, rois))
    model.predict(torch.rand(1, 3, 48, 48))
    torch.testing.assert_close(seen[0], torch.tensor([[0.0, 3, 4, 30, 31]]))


FORMS = [{"roi_op": "pool"}, {"roi_op": "warp"}, {"class_agnostic": True}, {"strides": (2, 4, 8)}]


@pytest.mark.slow
@pytest.mark.parametrize("options", FORMS)
def test_it_learns_one_scene_in_every_form(options):
    """Twenty steps on one image. (The box loss may rise: positives appear.)"""
    model, (images, targets) = tiny(**options), batch_of(SCENES[0])
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    history = []
    for _ in range(20):
        losses = model.losses(images, targets)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        history.append(sum(losses[k].item() for k in ("rpn_objectness", "class", "mask")))
    assert sum(history[-3:]) < 0.75 * sum(history[:3])


def test_autocast_changes_little():
    model, (images, targets) = tiny(), batch_of(*SCENES)
    with torch.no_grad():
        exact = model.losses(images, targets, seeds=[1, 2, 3, 4])
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model.losses(images, targets, seeds=[1, 2, 3, 4])
    for name, value in rounded.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.1, atol=0.02)


def test_says_what_it_needs():
    image, target = squares((4, 4, 20), label=9)
    with pytest.raises(ValueError, match=r"labels must be among .*\(1, 2, 3\), got \[9\]"):
        tiny().losses([image], [target])
    for wrong in (0, (), (0, 1), (1, 1)):
        with pytest.raises(ValueError, match="different category ids from 1 on"):
            tiny(classes=wrong)
    assert tiny(classes=(9, 4)).categories == (9, 4)


def test_checkpointing_leads_to_the_same_gradients():
    model = tiny()
    other = copy.deepcopy(model)
    other.checkpointing = True
    assert other.checkpointing and other.backbone.resnet.checkpointing
    for one in (model, other):
        sum(one.losses(*batch_of(*SCENES), seeds=[0, 1, 2, 3]).values()).backward()
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a.grad, b.grad) for a, b in pairs)
