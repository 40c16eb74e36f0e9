"""One number for each pixel: what a panoptic map is, and how it is written down: C63 to C68."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scipy.ndimage import label
from torch import Tensor

from minseg.data import STUFF, THINGS, make_scene
from minseg.experiments import panoptic_edits
from minseg.ledger.measured import Measured
from minseg.metrics import panoptic_quality
from minseg.metrics.pq_result import PanopticQuality
from minseg.panoptic import decode, encode

SKY, DISC = 6000, 1001  # class 6, and instance 1 of class 1


def score(prediction: Tensor, truth: Tensor, crowd: Sequence[int] = ()) -> PanopticQuality:
    """PQ of one map, with the scenes' things and stuff."""
    return panoptic_quality([prediction], [truth], things=THINGS, stuff=STUFF, crowd=[crowd])


def small_truth() -> Tensor:
    """(6, 9): two discs, sky, two void pixels."""
    truth = torch.full((6, 9), SKY)
    truth[1:4, 1:4], truth[2:5, 5:7], truth[0, 7:] = 1001, 1002, 0
    return truth


def small_prediction() -> Tensor:
    """(6, 9): one disc lacks a pixel, the other is a row too low."""
    predicted = torch.full((6, 9), SKY)
    predicted[1:4, 1:4], predicted[1, 1], predicted[3:6, 5:7] = 1001, SKY, 1002
    return predicted


def disc_behind_a_bar() -> Tensor:
    """(40, 60): one disc and one sky, both in two pieces, as an upright bar is in front of them."""
    y, x = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(60) + 0.5, indexing="ij")
    inside = (x - 30) ** 2 + (y - 20) ** 2 < 15**2
    return torch.where((x > 26) & (x < 34), 2001, torch.where(inside, DISC, SKY))


def _components(ids: Tensor) -> Tensor:
    """Every connected piece of every segment as an instance of its own."""
    pieces, used = torch.zeros_like(ids), 0
    for segment in ids[ids > 0].unique():
        numbers = torch.from_numpy(label((ids == segment).numpy())[0])
        pieces += (numbers > 0) * (segment // 1000 * 1000 + used + numbers)
        used += int(numbers.max())
    return pieces


def c63() -> Measured:
    """A panoptic map gives each pixel a class and an instance."""
    truth = small_truth()
    category, instance = decode(truth)
    return Measured(
        f"ids {truth.unique().tolist()} decode to classes {category.unique().tolist()} and "
        f"instances {instance.unique().tolist()}, and encode back.",
        torch.equal(encode(category, instance), truth),
    )


def c64() -> Measured:
    """Things can be counted, stuff cannot."""
    scene = make_scene(9, (96, 128), count=(5, 6)).panoptic
    maps = panoptic_edits.merge(scene, 1001, 1003), scene
    things = score(*maps).per_class[1].pq
    flat = ([torch.where(ids // 1000 == 1, 1000, ids)] for ids in maps)
    stuff = panoptic_quality(*flat, things=[2, 3], stuff=[1, *STUFF]).per_class[1].pq
    return Measured(
        f"two discs as one: PQ {things:.2f} as things, {stuff:.0f} as stuff.",
        things < stuff == 1,
    )


def c65() -> Measured:
    """Every pixel belongs to exactly one segment."""
    predicted = small_prediction()
    whole = score(predicted, small_truth()).per_class
    void_too = score(predicted * (predicted != DISC), small_truth()).per_class
    return Measured(
        f"void in place of one disc is scored: {void_too[1].fn} misses instead of {whole[1].fn}. "
        f"Sky's IoU is {whole[6].sq:.3f} = 35/40, without the two pixels that are void in the "
        "truth.",
        abs(whole[6].sq - 35 / 40) < 1e-9 and void_too[1].fn == whole[1].fn + 1,
    )


def c66() -> Measured:
    """Each thing is one connected component."""
    fence = disc_behind_a_bar()
    cut, whole = (score(ids, fence).per_class[1].pq for ids in (_components(fence), fence))
    return Measured(
        f"a disc behind a bar, in two pieces: PQ {whole:.0f} as one id, {cut:.0f} as two.",
        (cut, whole) == (0, 1),
    )


def c67() -> Measured:
    """Stuff may be in several pieces."""
    fence = disc_behind_a_bar()
    sky = score(_components(fence), fence).per_class[6]
    whole = score(fence, fence).per_class[6]
    return Measured(
        f"a sky in two pieces: PQ {whole.pq:.0f} as one segment; counted as two segments, FP "
        f"{sky.fp}, FN {sky.fn}.",
        (sky.fp, sky.fn) == (2, 1) and whole.pq == 1,
    )


def c68() -> Measured:
    """A panoptic map is coded as class times a constant, plus instance."""
    read = [part.item() for part in decode(torch.tensor(1 * 1000 + 1000))]
    try:
        encode(torch.tensor([66]), torch.tensor([0]), dtype=torch.uint16)
        refusal = "accepted"
    except ValueError as error:
        refusal = str(error).split(":")[0]
    return Measured(
        f"class 1, instance 1000 reads as class {read[0]}, instance {read[1]}. Class 66 in 16 "
        f"bits: {refusal}.",
        read == [2, 0] and "does not fit" in refusal,
    )
