"""SOLO, Decoupled SOLO and SOLOv2 whole: losses, sizes, and everything that a batch may lack."""

import copy

import pytest
import torch
from helpers.grid_models import KINDS, batch_of, squares, tiny

from minseg.data import SceneDataset
from minseg.instances import Instances
from minseg.models import SOLO, DecoupledSOLO, SOLOv2
from minseg.models.padding import pad_truth
from minseg.models.saved import load_model, save_model
from minseg.models.solo.coordinates import with_coordinates
from minseg.models.solo.inference import upsample
from minseg.models.solo.segmenter import Candidates, Seen
from minseg.train import InMemory, train

SCENES = [
    squares((4, 4, 20), (30, 26, 12)),
    squares((10, 20, 16), label=3),
    squares(),
    squares((2, 2, 9), (20, 30, 14), (33, 3, 12), label=2),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def test_two_losses_and_a_gradient_for_every_weight(kind):
    model = tiny(kind, ranges=((0, 100), (0, 100), (0, 100)))  # every level has something to learn
    losses = model.losses(*batch_of(*SCENES))
    assert set(losses) == {"category", "mask"}
    assert all(v.shape == () and v.dtype == torch.float32 and v > 0 for v in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_at_first_no_class_is_likely_and_no_mask_is_sure(kind):
    """The prior of focal loss: 0.01 for each class, else hundreds of empty cells shout at first."""
    classes = tiny(kind).look(torch.rand(2, 3, 48, 48)).classes.sigmoid()
    assert classes.shape == (2, 12**2 + 8**2 + 6**2, 3)
    assert classes.min() > 0.003 and classes.max() < 0.03


def test_each_cell_is_taught_the_mask_and_the_class_of_its_own_thing(kind, monkeypatch):
    """Two things in one image: the large one's cells get the large mask, and its class."""
    image, target = squares((4, 4, 24), (34, 34, 8))
    target.labels[1] = 3
    taught, asked = {}, []

    def record(name):
        def loss(logits, true):
            taught[name], taught[name + " of"] = true, logits
            return logits.sum() * 0

        return loss

    for name in ("category_loss", "mask_loss"):
        monkeypatch.setattr(f"minseg.models.solo.segmenter.{name}", record(name))
    model = tiny(kind, grids=(6, 4, 2), ranges=((0, 12), (12, 100), (200, 300)))
    read = model.read_masks
    monkeypatch.setattr(model, "read_masks", lambda *of: asked.append(read(*of)) or asked[-1])
    model.losses([image], [target])
    assert torch.equal(taught["mask_loss of"], upsample(asked[0], 2))  # logits, not probabilities
    areas = taught["mask_loss"].sum((1, 2)) * 4  # 2 px a place, so 4 px each
    classes = taught["category_loss"][taught["category_loss"] >= 0]
    assert set(areas.tolist()) == {24.0**2, 8.0**2} and set(classes.tolist()) == {0, 2}
    assert torch.equal(areas == 64, classes == 2)


def tower(channels, width, convs):
    return sum(9 * a * width + 2 * width for a in [channels, *[width] * (convs - 1)])


CATEGORY = tower(64, 64, 2) + 64 * 9 * 3 + 3
PARAMETERS = {
    SOLO: tower(66, 64, 2) + sum(65 * s * s for s in (20, 12, 8)),
    DecoupledSOLO: 2 * tower(65, 64, 2) + 2 * sum(65 * s for s in (20, 12, 8)),
    SOLOv2: tower(66, 64, 2)  # of kernels
    + 64 * 9 * 64 + 64
    + 2 * tower(64, 64, 1) + tower(66, 64, 2)  # of levels 0 and 1, and of the coarsest
    + 64 * 64 + 2 * 64,
}  # fmt: skip


def test_parameters_by_hand(kind):
    model = kind()
    own = sum(p.numel() for p in model.parameters())
    backbone = sum(p.numel() for p in model.backbone.parameters())
    assert own - backbone == CATEGORY + PARAMETERS[kind]


def test_only_masks_of_positive_cells_are_computed(kind, monkeypatch):
    model, asked = tiny(kind), []
    read = model.read_masks
    monkeypatch.setattr(model, "read_masks", lambda f, i, c: asked.append((i, c)) or read(f, i, c))
    images, targets = batch_of(*SCENES)
    model.losses(images, targets)
    truth = pad_truth(targets, (1, 2, 3), torch.full((4, 2), 48), (48, 48))
    owned = (model.owners(truth) >= 0).nonzero(as_tuple=True)
    ((image, cells),) = asked
    assert torch.equal(image, owned[0]) and torch.equal(cells, owned[1])
    assert 0 < len(cells) < 4 * (12**2 + 8**2 + 6**2) / 10


def test_a_mask_does_not_depend_on_the_others(kind):
    """No softmax over cells: one alone is what it is among all, in whatever order."""
    model = tiny(kind)
    features = model.look(torch.rand(2, 3, 48, 64)).features
    cells = torch.tensor([3, 140, 150, 215, 230, 243, 7])
    image = torch.tensor([0, 0, 0, 0, 1, 1, 1])
    masks = model.read_masks(features, image, cells)
    assert masks.shape == (7, 12, 16)
    for k in range(7):
        alone = model.read_masks(features, image[k : k + 1], cells[k : k + 1])
        torch.testing.assert_close(alone[0], masks[k], rtol=1e-4, atol=1e-5)


def test_decoupled_masks_are_rows_and_columns():
    """Cell (i, j) of a level is its column j and its row i."""
    model = tiny(DecoupledSOLO)
    features = model.look(torch.rand(1, 3, 48, 48)).features
    x = torch.einsum("ehw,ke->khw", features[1][0], model.kernels[1].weight[:, :, 0, 0])
    y = torch.einsum("ehw,ke->khw", features[4][0], model.kernels[4].weight[:, :, 0, 0])
    x, y = x + model.kernels[1].bias[:, None, None], y + model.kernels[4].bias[:, None, None]
    i, j = 2, 5
    mask = model.read_masks(features, torch.tensor([0]), torch.tensor([144 + i * 8 + j]))
    torch.testing.assert_close(mask[0].sigmoid(), x[j].sigmoid() * y[i].sigmoid())


TOWERS = [(SOLO, "mask_tower", "xy"), (DecoupledSOLO, "mask_tower_x", "x"),
          (DecoupledSOLO, "mask_tower_y", "y")]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "axes"), TOWERS)
def test_each_tower_reads_its_own_coordinates(kind, name, axes):
    model, inputs = tiny(kind), []
    getattr(model, name).register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    model.look(torch.rand(2, 3, 48, 64))
    assert len(inputs) == 3  # one for each level
    for given in inputs:
        assert torch.equal(given, with_coordinates(given[:, :8], axes))


@pytest.mark.parametrize("branch", ["kernel_branch", "mask_branch"])
def test_solov2_knows_where_it_is(branch):
    """Both kernels and features read coordinates: they change where these weigh otherwise."""
    model = tiny(SOLOv2, strides=(4, 8, 16))
    part = getattr(model, branch)
    first = part.tower[0][0] if branch == "kernel_branch" else part.levels[-1][0][0]
    assert first.in_channels == 8 + 2
    grey = torch.full((1, 3, 64, 64), 0.5)
    index = int(branch == "kernel_branch")
    before = model.look(grey).features[index]
    first.weight.data[:, -2:] *= -2
    assert (model.look(grey).features[index] - before).abs().max() > 1e-3


def test_written_kernels_are_taken_as_they_come():
    """Three times as large ones give masks three times as sure; normalised ones could not."""
    model, image = tiny(SOLOv2), torch.rand(1, 3, 48, 48)
    cells = torch.tensor([5, 150, 220]), torch.zeros(3).long()
    before = model.read_masks(model.look(image).features, cells[1], cells[0])
    model.kernel_branch.kernels.weight.data *= 3
    model.kernel_branch.kernels.bias.data *= 3
    after = model.read_masks(model.look(image).features, cells[1], cells[0])
    torch.testing.assert_close(after, 3 * before)


def test_larger_dynamic_kernels():
    model = tiny(SOLOv2, kernel_size=3)
    losses = model.losses(*batch_of(*SCENES))
    assert losses["mask"] > 0
    model.losses(*batch_of(squares()))["mask"].backward()
    assert model.kernel_branch.kernels.weight.grad.abs().max() == 0
    kernels = model.look(torch.rand(1, 3, 48, 48)).features[1]
    assert kernels.shape == (1, 12**2 + 8**2 + 6**2, 8 * 9)
    with pytest.raises(ValueError, match="kernel_size must be odd, 1 or 3, got 2"):
        tiny(SOLOv2, kernel_size=2)


def test_a_batch_split_over_processes_trains_the_same(kind, monkeypatch):
    """Two halves, their counts averaged by hand: the mean gradient is that of the whole batch."""
    model, (images, targets) = tiny(kind), batch_of(*SCENES)
    normalisers = []

    def gradient(half):
        model.zero_grad()
        sum(model.losses(images[half], targets[half]).values()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    def count(number):
        normalisers.append(torch.as_tensor(number).float())
        return normalisers[-1]

    where = "minseg.models.solo.losses."
    monkeypatch.setattr(where + "mean", count)
    monkeypatch.setattr(where + "mean_over_processes", count)
    whole = gradient(slice(0, 4))
    # Each of two processes divides by half of what is counted in both.
    monkeypatch.setattr(where + "world", lambda: (0, 2))
    monkeypatch.setattr(where + "mean", lambda _: normalisers[0] / 2)
    monkeypatch.setattr(where + "mean_over_processes", lambda _: normalisers[1] / 2)
    split = sum(gradient(half) for half in (slice(0, 2), slice(2, 4))) / 2
    torch.testing.assert_close(split, whole, atol=1e-5, rtol=1e-3)


def test_a_batch_without_things_teaches_only_no(kind):
    model = tiny(kind)
    losses = model.losses(*batch_of(squares(), squares()))
    assert losses["mask"] == 0 and losses["category"] > 0
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_crowds_teach_nothing(kind):
    image, target = SCENES[0]
    crowd = Instances(target.masks, target.labels, crowd=torch.tensor([False, True]))
    model = tiny(kind)
    lone = model.losses([image], [target[0]])
    for name, value in model.losses([image], [crowd]).items():
        assert value == lone[name]


def test_images_of_any_size_and_masks_of_one_pixel(kind):
    model, sizes = tiny(kind), [(33, 70), (5, 9), (64, 64)]
    images, targets = batch_of(*[squares((2, 1, 1), size=size) for size in sizes])
    losses = model.losses(images, targets)
    assert all(v.isfinite() and v > 0 for v in losses.values())
    found = model.predict(images, score_threshold=0.0)
    assert [tuple(one.masks.shape[1:]) for one in found] == sizes
    assert all(
        (one.scores.diff() <= 0).all() and one.masks.flatten(1).any(1).all() for one in found
    )


def test_more_things_than_cells(kind):
    """A grid of four cells takes four of nine squares; the others are not taught, and no error."""
    nine = squares(*[(16 * r, 16 * c, 9) for r in range(3) for c in range(3)])
    model = tiny(kind, strides=(4,), grids=(2,), ranges=((0, 100),), widths=(8, 8))
    owner = model.owners(pad_truth([nine[1]], (1, 2, 3), torch.tensor([[48, 48]]), (48, 48)))
    assert len(owner.unique()) == 4
    assert all(v > 0 for v in model.losses([nine[0]], [nine[1]]).values())


class Told(SOLO):
    """A SOLO whose cells say what they are told: squares of a mask map of 12 × 12."""

    outside = -9.0  # the logit there

    def tell(self, *cells):
        """Of each: its number, class, score and the rows of its square."""
        logits = torch.full((1, sum(s * s for s in self.grids), 3), -9.0)
        self.squares = {}
        for cell, label, score, (first, last) in cells:
            logits[0, cell, label] = torch.tensor(score).logit()
            self.squares[cell] = first, last
        return Seen(logits, [torch.zeros(1, 1, 12, 12)])

    def read_masks(self, features, image, cells):
        masks = torch.full((len(cells), 12, 12), self.outside)
        for mask, cell in zip(masks, cells.tolist(), strict=True):
            first, last = self.squares[cell]
            mask[first:last, first:last] = 9.0
        return masks


@pytest.fixture
def told():
    torch.manual_seed(0)
    return Told(widths=(8, 8, 8, 8), channels=8, grids=(12, 8, 6), width=8, convs=1)


def test_candidates_are_sure_cells_above_and_left_of_none_that_is_surer(told):
    seen = told.tell(
        (13, 1, 0.9, (2, 6)),  # row 1, column 1
        (14, 1, 0.8, (2, 6)),  # to its right, and less sure: gone
        (12, 1, 0.7, (2, 6)),  # to its left: point NMS looks up and left only
        (100, 0, 0.05, (7, 9)),  # unsure
        (144 + 3, 2, 0.5, (7, 7)),  # another level, but its mask is empty
        (208 + 3, 2, 0.4, (7, 10)),
    )
    found = told.candidates(seen, 0)
    assert found.cells.tolist() == [13, 12, 211] and found.classes.tolist() == [1, 1, 2]
    torch.testing.assert_close(
        found.scores, torch.tensor([0.9, 0.7, 0.4]) * 0.99988, rtol=1e-4, atol=0
    )
    assert found.masks[2].nonzero().amin(0).tolist() == [7, 7]
    assert len(told.candidates(seen, 0, most=2).cells) == 2


def test_a_thing_that_lights_up_three_cells_is_found_once(told, monkeypatch):
    """Doubles fall below the threshold; another class on the same pixels stays."""
    cells = (26, 1, 0.9, (2, 6)), (37, 1, 0.8, (2, 6)), (48, 1, 0.7, (2, 6)), (90, 0, 0.6, (2, 6))
    seen = told.tell(*cells)
    monkeypatch.setattr(told, "look", lambda batch: seen)
    (found,) = told.predict(torch.rand(1, 3, 48, 44), keep_threshold=0.2)
    assert found.labels.tolist() == [2, 1] and found.masks.shape == (2, 48, 44)
    assert found.masks[0].nonzero().amin(0).tolist() == [8, 8]  # 4 px a place, cut at the middle
    assert found.masks[0].nonzero().amax(0).tolist() == [23, 23]
    (weak,) = told.predict(torch.rand(1, 3, 48, 44))  # at 0.05 they come, with what is left
    assert weak.scores.tolist() == pytest.approx([0.9, 0.6, 0.8 * 0.1353, 0.7 * 0.1353], rel=1e-3)
    assert len(told.predict(torch.rand(1, 3, 48, 44), most=1)[0]) == 1


def test_the_outline_runs_where_the_logit_is_0(told, monkeypatch):
    """From +9 at px 10 to −3 at px 6: 0 at px 7. Probabilities would be ½ at 7.9, a pixel later."""
    told.outside = -3.0
    monkeypatch.setattr(told, "look", lambda batch: told.tell((26, 1, 0.9, (2, 6))))
    (found,) = told.predict(torch.rand(1, 3, 48, 48))
    where = found.masks[0].nonzero()
    assert where.amin(0).tolist() == [7, 7] and where.amax(0).tolist() == [24, 24]


def test_crops_are_the_masks(told, monkeypatch):
    seen = told.tell((26, 1, 0.9, (2, 6)), (70, 0, 0.6, (5, 9)))
    monkeypatch.setattr(told, "look", lambda batch: seen)
    image = torch.rand(1, 3, 48, 44)
    (crops,), (found,) = told.predict_crops(image), told.predict(image)
    assert torch.equal(crops.dense().masks, found.masks) and crops.masks[0].mask.shape == (16, 16)
    no_cells = torch.zeros(0).long()
    none = Candidates(torch.zeros(0, 12, 12).bool(), no_cells, torch.zeros(0), no_cells)
    told.squares = {}
    assert told.paste(seen, 0, none, (48, 44)).dense().masks.shape == (0, 48, 44)


def test_autocast_changes_little(kind):
    model, (images, targets) = tiny(kind), batch_of(*SCENES)
    with torch.no_grad():
        exact = model.losses(images, targets)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model.losses(images, targets)
    for name, value in rounded.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, exact[name], rtol=0.1, atol=0.02)


def test_checkpointing_leads_to_the_same_gradients(kind):
    model = tiny(kind)
    other = copy.deepcopy(model)
    other.checkpointing = True
    assert other.checkpointing and other.backbone.resnet.checkpointing
    for one in (model, other):
        sum(one.losses(*batch_of(*SCENES)).values()).backward()
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert (a.grad is None and b.grad is None) or torch.equal(a.grad, b.grad)


def test_a_file_makes_it_again(kind, tmp_path):
    model = tiny(kind, classes=(4, 9)).eval()
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")  # the file alone says what it is
    assert type(again) is kind and again.categories == (4, 9)
    image = torch.rand(1, 3, 48, 32)
    assert torch.equal(again.look(image).classes, model.look(image).classes)


def test_an_interrupted_run_ends_with_the_same_bits(kind, tmp_path):
    data = InMemory(SceneDataset("train", size=48, length=4))

    def stop(row):
        if row["step"] == 2:
            raise KeyboardInterrupt

    options = {"steps": 3, "batch_size": 2, "save_every": 1}
    whole, parts = tiny(kind), tiny(kind)
    train(whole, data, **options)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(kind), data, out=tmp_path, on_step=stop, **options)
    train(parts, data, out=tmp_path, resume=True, **options)
    pairs = zip(whole.state_dict().values(), parts.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_it_learns_two_scenes(kind):
    """A short training ends with the squares where they are."""
    model, (images, targets) = tiny(kind, channels=16, width=16), batch_of(*SCENES[:2])
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(60):
        losses = model.losses(images, targets)
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
    assert losses["mask"] < 0.3 and losses["category"] < 0.3
    for found, true in zip(model.predict(images), targets, strict=True):
        assert sorted(found.labels[: len(true)].tolist()) == sorted(true.labels.tolist())


def test_says_what_it_needs(kind):
    image, target = squares((4, 4, 20), label=9)
    with pytest.raises(ValueError, match=r"labels must be among .*\(1, 2, 3\), got \[9\]"):
        tiny(kind).losses([image], [target])
    for wrong in (0, (), (0, 1), (1, 1)):
        with pytest.raises(ValueError, match="different category ids from 1 on"):
            tiny(kind, classes=wrong)
    with pytest.raises(ValueError, match="one for each level, got 3, 2 and 3"):
        tiny(kind, grids=(8, 6))
    with pytest.raises(ValueError, match="fine must divide 4, the finest stride, got 3"):
        tiny(kind, fine=3)
