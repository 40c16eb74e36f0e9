"""What instance segmentation asks for, and what it has in common with its neighbours: C01 to C07.

Three small masks, two cats and a dog that one of them covers, and a scene of six things.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from minseg.data import make_scene
from minseg.data.scenes.make import Scene
from minseg.instances import Instances, tight_boxes
from minseg.ledger.measured import Measured
from minseg.metrics import average_precision, mask_iou
from minseg.panoptic import decode, from_instances, to_instances


@cache
def _pets() -> Instances:
    """Two cats that overlap, and a dog of one pixel where both are."""
    masks = torch.zeros(3, 6, 9, dtype=torch.bool)
    masks[0, 1:5, 1:5], masks[1, 3:6, 3:8], masks[2, 3, 2] = True, True, True
    return Instances(masks, torch.tensor([1, 1, 2]), torch.tensor([0.9, 0.8, 0.7]))


@cache
def _scene() -> Scene:
    return make_scene(33, (96, 128), count=(6, 6))


@cache
def _answer() -> Instances:
    """The scene's masks, each a pixel too large all round, as a network might give them."""
    truth = _scene().instances
    grown = torch.nn.functional.max_pool2d(truth.masks.float(), 3, 1, 1) > 0
    return Instances(grown, truth.labels, torch.linspace(0.95, 0.7, 6))


def _flat(instances: Instances) -> Instances:
    """The same with one owner for each pixel, by way of a panoptic map."""
    return to_instances(from_instances(instances))


def c01() -> Measured:
    """The answer is a set of masks, classes and scores."""
    pets = _pets()
    nothing = Instances(torch.zeros(0, 6, 9, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    one, other = (average_precision([pets[k]], [pets]).ap for k in ([0, 1, 2], [2, 0, 1]))
    with_empty = average_precision([pets, nothing], [pets, nothing]).ap
    shapes = [tuple(part.shape) for part in (pets.masks, pets.labels, pets.scores)]
    return Measured(
        f"masks {shapes[0]}, labels {shapes[1]}, scores {shapes[2]}; AP {one:.0f} and {other:.0f} "
        f"in two orders; an image with N = {len(nothing)} beside it: AP {with_empty:.0f}.",
        one == other == with_empty == 1 and nothing.boxes.shape == (0, 4),
    )


def c02() -> Measured:
    """Masks of different instances must not overlap."""
    pets, answer, truth = _pets(), _answer(), _scene().instances
    kept, lost = (average_precision([one], [pets]).ap for one in (pets, _flat(pets)))
    ap, flat = (average_precision([one], [truth]).ap for one in (answer, _flat(answer)))
    return Measured(
        f"three masks that overlap, hidden parts included, have AP {kept:.0f} as an answer to "
        f"themselves, and {lost:.2f} with one owner for each pixel. Six masks that are a pixel too "
        f"large and overlap are judged without complaint: AP {ap:.3f}, and {flat:.3f} without "
        "overlap.",
        not pets.is_disjoint() and not answer.is_disjoint() and kept == 1 and lost < 0.7,
    )


def c03() -> Measured:
    """Background is where the masks add up to zero."""
    times = _answer().masks.sum(dim=0).flatten().bincount(minlength=4).tolist()
    once = _flat(_answer()).masks.sum(dim=0).flatten().bincount(minlength=4).tolist()
    return Measured(
        f"the sum of six masks is 0 at {times[0]} pixels, 2 at {times[2]} and 3 at {times[3]}; "
        f"once each pixel has one owner, 0 at {once[0]} and 1 at all others.",
        times[0] == once[0] and times[2] > 0 == once[2],
    )


def c04() -> Measured:
    """Training maximises a product over instances, answer i with truth i."""
    cost = 1 - mask_iou(_answer().masks, _scene().instances.masks)  # (6, 6)
    orders = [cost[:, list(order)] for order in list(permutations(range(6)))[5::36]]
    as_sets = [one.numpy()[linear_sum_assignment(one.numpy())].mean() for one in orders]
    aligned = [one.diagonal().mean().item() for one in orders]
    return Measured(
        f"{len(orders)} orders of the truths: by index the loss runs from {min(aligned):.2f} to "
        f"{max(aligned):.2f}, as a set it is {min(as_sets):.3f} every time.",
        bool(max(as_sets) - min(as_sets) < 1e-6 and max(aligned) - min(aligned) > 0.1),
    )


def c05() -> Measured:
    """Detection gives boxes, semantic segmentation classes, instance segmentation masks as well."""
    pets, scene = _pets(), _scene()
    boxes = tight_boxes(pets.masks).long().tolist()
    parts = [m[y1:y2, x1:x2] for m, (x1, y1, x2, y2) in zip(pets.masks, boxes, strict=True)]
    whole = [int(part.sum()) for part in parts] == pets.areas.tolist()
    tight = all(p[[0, -1]].any(dim=1).all() and p[:, [0, -1]].any(dim=0).all() for p in parts)
    return Measured(
        f"boxes {boxes} hold all pixels of their masks, and each of their sides touches one; a "
        f"scene has {len(scene.instances)} of them, and a class for each of "
        f"{scene.semantic.numel()} pixels.",
        bool(whole and tight),
    )


def c06() -> Measured:
    """Detection is contained in instance segmentation, and that in panoptic segmentation."""
    pets, scene = _pets(), _scene()
    same_map = torch.equal(from_instances(pets), from_instances(pets[[0, 1]]))
    back = to_instances(scene.panoptic)
    found = [(back.masks == mask).flatten(1).all(1).any().item() for mask in scene.instances.masks]
    same_classes = torch.equal(decode(scene.panoptic)[0], scene.semantic)
    return Measured(
        f"sets of 3 and of 2 overlapping masks have the same panoptic map; {sum(found)} of "
        f"{len(found)} disjoint masks are read back from theirs, with scores "
        f"{back.scores.unique().tolist()} instead of their own; its categories are the semantic "
        "map.",
        same_map and all(found) and same_classes,
    )


def _bits(values: Tensor) -> float:
    """Entropy in bits of a value that was computed for each of equally likely worlds."""
    share = values.unique(return_counts=True)[1].double() / len(values)
    return float(-(share * share.log2()).sum())


def _pair(a: Tensor, b: Tensor) -> Tensor:
    """A set of two numbers below 512 as one number: the order is forgotten."""
    return torch.minimum(a, b) * 512 + torch.maximum(a, b)


def _entropies(front: Tensor, back: Tensor, stuff: Tensor | int = 0) -> list[float]:
    """Bits of detection, instances and panoptic map, of worlds of two masks of 3 × 3 pixels.

    A mask is a number from 1 to 511, a bit for each pixel. Stuff is seen where no mask is.
    """
    pixels = (torch.arange(1, 512)[:, None] >> torch.arange(9) & 1).view(-1, 3, 3).bool()
    box = tight_boxes(pixels).long() @ torch.tensor([64, 16, 4, 1])  # four digits to the base 4
    detection = _pair(box[front - 1], box[back - 1])
    panoptic = _pair(front, back & ~front) * 2 + stuff * ((front | back) < 511)
    return [_bits(each) for each in (detection, _pair(front, back), panoptic)]


def c07() -> Measured:
    """Detection carries less information than instances, and those less than a panoptic map."""
    front, back = torch.cartesian_prod(torch.arange(1, 512), torch.arange(1, 512)).T
    apart = (front & back) == 0
    sky = torch.arange(2).repeat(int(apart.sum()))  # sky or ground behind each of these worlds
    overlap = _entropies(front[front != back], back[front != back])
    disjoint = _entropies(front[apart], back[apart])
    front, back = (mask[apart].repeat_interleave(2) for mask in (front, back))
    behind = _entropies(front, back, sky)
    told = ["; ".join(f"{bits:.1f}" for bits in world) for world in (overlap, disjoint, behind)]
    return Measured(
        "bits of detection; instances; panoptic map, over all worlds of two masks of 3 × 3 pixels: "
        f"any masks {told[0]}. Disjoint ones {told[1]}. The same before sky or ground {told[2]}.",
        overlap[0] < overlap[2] < overlap[1] - 4
        and abs(disjoint[1] - disjoint[2]) < 1e-9
        and behind[0] < behind[1] < behind[2] - 0.9,
    )
