"""The whole model: losses, sizes, everything that a batch may lack, files and runs."""

import copy
import math

import pytest
import torch

from minseg.data import SceneDataset
from minseg.data.example import Example
from minseg.instances import Instances
from minseg.models import DETR
from minseg.models.detr import losses as loss_file
from minseg.models.detr import model as whole_model
from minseg.models.saved import load_model, save_model
from minseg.train import InMemory, train, validate
from minseg.train.augment import augment_scene
from minseg.train.batches import is_panoptic

NAMES = {"class", "box", "giou", "bce", "dice"}


def tiny(**options):
    torch.manual_seed(0)
    narrow = {"widths": (8, 8, 8), "channels": 8, "width": 16, "hidden": 16, "layers": (1, 2)}
    return DETR(**narrow | {"queries": 6, "mask_width": 8} | options)


def seeing(**options):
    """One whose masks have pixels from the beginning."""
    model = tiny(**options)
    torch.nn.init.constant_(model.mask_head.out.bias, 0.5)
    return model


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
KINDS = [{"matching": m, "deep_masks": d} for m in ("boxes", "masks") for d in (True, False)]


@pytest.mark.parametrize("options", [*KINDS, {"strides": (4,), "widths": (8, 8)}])
def test_five_losses_and_a_gradient_for_every_weight(options):
    model = tiny(**options)
    losses = model.losses(*batch_of(*SCENES), seeds=[1, 2, 3, 4])
    assert set(losses) == NAMES
    assert all(v.shape == () and v.dtype == torch.float32 and v > 0 for v in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_as_many_parameters_as_counted_by_hand():
    """Backbone aside, with d = 64, C = 3, Q = 20, h = 256 and 16 channels in the mask head."""
    model, d, h = DETR(), 64, 256
    attention, thinking, norm = 4 * (d * d + d), 2 * d * h + d + h, 2 * d
    encoder = 3 * (attention + thinking + 2 * norm) + norm
    decoder = 20 * d + 3 * (2 * attention + thinking + 3 * norm) + norm
    heads = (4 * d + 4) + 2 * (d * d + d) + (4 * d + 4)
    drawn = 9 * 8 * 16 + (9 * 64 * 16 + 16) + (64 * 16 + 16) + 9 * 16 * 16 + 2 * 2 * 16
    masks = drawn + (9 * 16 + 1) + 8
    enter = 64 * d + d
    expected = enter + encoder + decoder + heads + masks
    assert sum(p.numel() for p in model.parameters()) - count(model.backbone) == expected


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_a_batch_split_over_processes_trains_the_same(monkeypatch):
    """Two halves, their counts averaged by hand: the mean gradient is that of the whole batch."""
    model, (images, targets) = tiny(), batch_of(*SCENES)
    counts = []

    def record(count):
        counts.append(torch.as_tensor(count).float())
        return counts[-1].clamp(min=1)

    def gradient(half):
        model.zero_grad()
        sum(model.losses(images[half], targets[half]).values()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    monkeypatch.setattr(loss_file, "mean_over_processes", record)
    whole, joint = gradient(slice(0, 4)), counts.copy()
    monkeypatch.setattr(loss_file, "mean_over_processes", lambda count: next(shares) / 2)
    halves = []
    for half in (slice(0, 2), slice(2, 4)):
        shares = iter(joint)
        halves.append(gradient(half))
    torch.testing.assert_close(sum(halves) / 2, whole, atol=1e-5, rtol=1e-3)


def test_a_batch_without_things_teaches_only_no():
    model = tiny()
    losses = model.losses(*batch_of(squares(), squares()))
    assert losses["box"] == losses["giou"] == losses["bce"] == losses["dice"] == 0
    assert losses["class"] > 0
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in model.parameters())  # zeros count: no process waits


@pytest.mark.parametrize("matching", ["boxes", "masks", "classes"])
def test_a_thing_of_one_pixel_and_more_things_than_queries(matching):
    crowded = squares(*[(6 * i, 6 * j, 1 if i == j else 5) for i in range(8) for j in range(8)])
    losses = tiny(matching=matching).losses(*batch_of(crowded, squares((47, 47, 1))))
    assert all(v.isfinite() for v in losses.values())


def test_crowds_teach_nothing():
    image, target = SCENES[0]
    crowd = Instances(target.masks, target.labels, crowd=torch.tensor([False, True]))
    alone, same = tiny().losses([image], [target[:1]]), tiny().losses([image], [crowd])
    assert all(torch.equal(alone[name], same[name]) for name in NAMES)


def test_sizes_that_fit_no_stride_come_back_as_they_were():
    model, sizes = tiny(), [(48, 48), (37, 61), (16, 5), (1, 1)]
    images = [squares((0, 0, 1), size=size)[0] for size in sizes]
    results = model.predict(images, score_threshold=0)
    assert [tuple(r.masks.shape[1:]) for r in results] == sizes
    assert all((r.scores.diff() <= 0).all() for r in results)
    losses = model.losses(*batch_of(*[squares((0, 0, 1), size=size) for size in sizes]))
    assert all(v.isfinite() for v in losses.values())


def test_cells_of_the_padding_are_not_read():
    """The encoder's answer for an image is the same whether a wider one is beside it."""
    model = tiny()
    model.backbone = torch.nn.Identity()
    maps = torch.randn(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    wide = torch.cat([maps, 9 * torch.ones(1, 8, 6, 4)], dim=3)
    model.backbone.forward = lambda batch: [batch]
    alone = model.remember(maps + 0.5, torch.tensor([[48, 48]]))
    beside = model.remember(wide + 0.5, torch.tensor([[48, 48]]))
    kept = beside.cells.view(1, 6, 10, 16)[:, :, :6].flatten(1, 2)
    torch.testing.assert_close(kept, alone.cells)
    assert alone.real is None and beside.real.sum() == 36


def test_what_is_read_tells_where_it_was():
    """Places stand in the cells themselves, not in the keys alone: a flat map has none other."""
    model = tiny()
    model.backbone.forward = lambda batch: [batch]
    model.encoder.forward = lambda cells, places, real: cells
    memory = model.remember(torch.zeros(1, 8, 6, 5), torch.tensor([[48, 40]]))
    torch.testing.assert_close(memory.cells.diff(dim=1), memory.places.diff(dim=1))


def test_nothing_detected():
    results = tiny().predict(torch.rand(2, 3, 48, 48), score_threshold=0.999)
    assert [r.masks.shape for r in results] == [(0, 48, 48)] * 2


def test_crops_hold_the_same_pixels():
    model, images = seeing(), torch.rand(2, 3, 48, 40)
    for whole, crops in zip(model.predict(images), model.predict_crops(images), strict=True):
        assert torch.equal(crops.dense().masks, whole.masks) and len(whole)


def test_stages_lead_to_the_prediction():
    model, images = seeing(), torch.rand(2, 3, 48, 40)
    stages = model.stages(images)
    assert stages.queries.shape == (2, 2, 6, 16)
    assert stages.looks.shape == (2, 2, 8, 6, 6, 5)
    torch.testing.assert_close(stages.looks.sum(dim=(4, 5)), torch.ones(2, 2, 8, 6))
    assert stages.boxes.shape == (2, 2, 6, 4) and stages.masks.shape == (2, 2, 6, 12, 10)
    found = model.predict(images, score_threshold=0)[1]
    p = stages.logits[-1, 1].softmax(dim=1)[:, :3].amax(dim=1)
    assert found.scores[0] in p


def panoptic_scenes(n=2):
    return [SceneDataset("train", size=64)[k] for k in range(n)]


def test_panoptic_truth_holds_things_and_stuff():
    scene = panoptic_scenes(1)[0]
    example = Example(scene.image, scene.instances, scene.panoptic)
    (found,) = whole_model.truth_of([example], (6, 7, 8, 9))
    n = len(scene.instances)
    assert found.labels[n:].tolist() == [6, 7, 8]  # no 9 in this one
    assert torch.equal(found.masks[:n], scene.instances.masks) and found.is_disjoint()
    assert torch.equal(found.masks[n:].sum(0), (scene.semantic > 5).long())
    with pytest.raises(ValueError, match=r"targets\[0\] must be an Example with a panoptic map"):
        whole_model.truth_of([scene.instances], (6,))


def test_with_stuff_it_learns_and_draws_maps():
    model, scenes = tiny(stuff=(6, 7, 8), queries=12), panoptic_scenes()
    examples = [Example(s.image, s.instances, s.panoptic) for s in scenes]
    losses = model.losses(torch.stack([s.image for s in scenes]), examples)
    assert all(v.isfinite() for v in losses.values())
    ids = model.predict_panoptic(torch.stack([s.image for s in scenes]), sure=0.0)
    assert ids.shape == (2, 64, 64) and set((ids // 1000).unique().tolist()) <= {
        0,
        1,
        2,
        3,
        6,
        7,
        8,
    }
    assert is_panoptic(model) and not is_panoptic(tiny())
    assert "pq" in validate(model, InMemory(SceneDataset("val", size=32, length=2)))
    with pytest.raises(ValueError, match="stuff must hold a category for a panoptic map"):
        tiny().predict_panoptic(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize(
    "options", [KINDS[2], *(pytest.param(one, marks=pytest.mark.slow) for one in KINDS)]
)
def test_it_learns_one_scene(options):
    model, (images, targets) = tiny(**options), batch_of(SCENES[0])
    optimiser, history = torch.optim.AdamW(model.parameters(), 1e-2), []
    for _ in range(20):
        losses = model.losses(images, targets)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        history.append(sum(losses.values()).item())
    assert sum(history[-3:]) < 0.7 * sum(history[:3])


def test_autocast_changes_little():
    model, (images, targets) = tiny(matching="boxes"), batch_of(*SCENES)
    with torch.no_grad():
        exact = model.losses(images, targets)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model.losses(images, targets)
    for name, value in rounded.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.1, atol=0.02)


def test_checkpointing_leads_to_the_same_gradients():
    model = tiny()
    other = copy.deepcopy(model)
    other.checkpointing = True
    assert other.checkpointing and other.backbone.resnet.checkpointing
    for one in (model, other):
        sum(one.losses(*batch_of(*SCENES)).values()).backward()
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a.grad, b.grad) for a, b in pairs)


def test_a_run_that_was_interrupted_ends_as_one_that_was_not(tmp_path):
    scenes = InMemory(SceneDataset("train", size=32), 6)
    settings = {"batch_size": 2, "augmentation": augment_scene, "bf16": False}
    whole, parted = tiny(), tiny()
    train(whole, scenes, steps=4, **settings)

    losses, calls = parted.losses, []

    def until_third(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise OSError
        return losses(*arguments, **options)

    parted.losses = until_third
    with pytest.raises(OSError):
        train(parted, scenes, steps=4, out=tmp_path, save_every=1, **settings)
    again = tiny()
    train(again, scenes, steps=4, out=tmp_path, resume=True, **settings)
    assert all(
        torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True)
    )


def test_a_file_makes_the_same_model(tmp_path):
    model, image = seeing(stuff=(7,), matching="boxes").eval(), torch.rand(1, 3, 40, 48)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert isinstance(again, DETR) and again.stuff == (7,) and again.matching == "boxes"
    pairs = zip(model.predict(image), again.predict(image), strict=True)
    assert all(torch.equal(a.masks, b.masks) and torch.equal(a.scores, b.scores) for a, b in pairs)


def test_a_broken_network_stops_training_by_the_name_of_its_loss(tmp_path):
    model = tiny()
    with torch.no_grad():
        model.class_head.bias.fill_(math.nan)
    with pytest.raises(FloatingPointError, match=r"loss or the gradient is not finite .*class nan"):
        train(model, InMemory(SceneDataset("train", size=32), 2), steps=1, batch_size=2)


def test_says_what_it_needs():
    image, target = squares((4, 4, 20), label=9)
    with pytest.raises(ValueError, match=r"labels must be among .*\(1, 2, 3\), got \[9\]"):
        tiny().losses([image], [target])
    for wrong in (0, (), (0, 1), (1, 1)):
        with pytest.raises(ValueError, match="different category ids from 1 on"):
            tiny(classes=wrong)
    with pytest.raises(ValueError, match="different category ids from 1 on"):
        tiny(classes=(1, 2), stuff=(2,))
    with pytest.raises(
        ValueError, match="matching must be one of boxes, masks, classes, got 'lot'"
    ):
        tiny(matching="lot")
    assert tiny(classes=(9, 4)).categories == (9, 4)
