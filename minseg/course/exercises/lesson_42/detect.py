"""Exercise 42.detect: from scores and deltas to detections.

To write: f(logits, deltas, proposals, size, score_threshold, iou_threshold, most) for one image, to
boxes (D, 4), classes (D,) and scores (D,), best first. The answer is `detect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.boxes import batched_nms, clip_boxes, decode
from minseg.course.exercise import Exercise
from minseg.models.mask_rcnn.inference import Detections, detect
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS


def answers_of_the_heads(generator: torch.Generator) -> Iterable[tuple]:
    """Two likely classes, overlaps within and across classes, edges, slivers, a limit, nothing."""
    proposals = torch.tensor([[10.0, 10, 30, 40], [11, 10, 31, 40], [40, 5, 63, 20]])
    still = torch.zeros(3, 2, 4)
    logits = torch.tensor([[3.0, 2.5, 0.0], [2.0, 2.8, 0.5], [-1.0, 1.0, 2.0]])
    yield logits, still, proposals, torch.tensor([48, 64]), 0.05, 0.5, 100
    moved = torch.tensor([4.0, -3, 2, 1]) * torch.tensor([[1.0], [-1]])  # two classes, two ways
    yield logits, moved.expand(3, 2, 4), proposals, torch.tensor([36, 60]), 0.05, 0.5, 100
    sliver = torch.cat([proposals, torch.tensor([[63.5, 2.0, 70, 30]])])
    strong = torch.cat([logits, torch.tensor([[5.0, 0, 0]])])
    yield strong, torch.zeros(4, 2, 4), sliver, torch.tensor([48, 64]), 0.2, 0.7, 100
    corner = 40 * torch.rand(12, 2, generator=generator)
    many = torch.cat([corner, corner + 8 + 16 * torch.rand(12, 2, generator=generator)], dim=1)
    scores, deltas = (torch.randn(12, *s, generator=generator) for s in ((4,), (3, 4)))
    yield scores, deltas, many, torch.tensor([50, 50]), 0.05, 0.5, 4
    yield scores.double(), deltas.double(), many.double(), torch.tensor([50, 50]), 0.3, 0.3, 100
    yield logits[:0], still[:0], proposals[:0], torch.tensor([48, 64]), 0.05, 0.5, 100


def as_a_tuple(fn: Callable[..., tuple], *case: object) -> tuple:
    """Boxes, classes and scores, whatever kind of tuple holds them."""
    found = fn(*case)
    return tuple(found) if isinstance(found, tuple) else found


def _detect(
    logits: Tensor,
    deltas: Tensor,
    proposals: Tensor,
    size: Tensor,
    score_threshold: float,
    iou_threshold: float,
    most: int,
    scored: Callable[[Tensor], Tensor] = lambda logits: logits.softmax(dim=1)[:, :-1],
    weights: tuple[float, ...] = BOX_WEIGHTS,
    first_class: bool = False,
    only_best: bool = False,
    cut: bool = True,
    grouped: bool = True,
    least: float = 1,
) -> Detections:
    """The answer at test with a switch for each of its rules."""
    # Which proposal may be which class.
    scores = scored(logits)  # (R, C)
    likely = scores > score_threshold
    if only_best and len(scores):
        likely &= scores == scores.amax(dim=1, keepdim=True)
    row, classes = likely.nonzero(as_tuple=True)
    # Its box, as that class moves it, on the image.
    moves = deltas[row, 0 * classes if first_class else classes]
    boxes = decode(moves, proposals[row], weights)
    boxes = clip_boxes(boxes[None], size[None])[0] if cut else boxes
    # Without slivers and near-duplicates, best first.
    real = (boxes[:, 2:] - boxes[:, :2] >= least).all(dim=1)
    boxes, classes, scores = boxes[real], classes[real], scores[row, classes][real]
    groups = classes if grouped else torch.zeros_like(classes)
    kept = batched_nms(boxes, scores, groups, iou_threshold)[:most]
    return Detections(boxes[kept], classes[kept], scores[kept])


leaves_background_out = partial(_detect, scored=lambda logits: logits[:, :-1].softmax(dim=1))
judges_each_class_alone = partial(_detect, scored=lambda logits: logits[:, :-1].sigmoid())
takes_the_best_class_only = partial(_detect, only_best=True)
moves_as_the_first_class = partial(_detect, first_class=True)
forgets_the_weights = partial(_detect, weights=(1.0, 1.0, 1.0, 1.0))
leaves_the_image = partial(_detect, cut=False)
suppresses_across_classes = partial(_detect, grouped=False)
keeps_slivers = partial(_detect, least=0)

DETECT = Exercise(
    "42.detect",
    reference=detect,
    cases=answers_of_the_heads,
    probe=as_a_tuple,
    hints=(
        "Softmax over all C + 1 columns, then drop the last: background is no answer, but it "
        "competes. `(scores > score_threshold).nonzero(as_tuple=True)` gives rows and classes.",
        "`decode(deltas[row, classes], proposals[row], (10, 10, 5, 5))`, then cut the boxes off at "
        "the image: `clip_boxes(boxes[None], size[None])[0]`. Drop what is less than a pixel wide "
        "or high.",
        "`batched_nms(boxes, scores, classes, iou_threshold)` gives the kept ones, best first; "
        "take `most` of them.",
    ),
    mistakes={
        "leaves_background_out": (
            leaves_background_out,
            "You drop background before the softmax, so every proposal must be something. Let it "
            "compete: softmax first, then drop its column.",
        ),
        "judges_each_class_alone": (
            judges_each_class_alone,
            "You took the sigmoid. The box head's classes compete, with background, in one "
            "softmax; it is the *masks* that do not.",
        ),
        "takes_the_best_class_only": (
            takes_the_best_class_only,
            "You keep one class of each proposal. Every class above the threshold counts: at "
            "test a proposal may give two detections, and AP gains by it.",
        ),
        "moves_as_the_first_class": (
            moves_as_the_first_class,
            "You take the deltas of class 0 for all. Each class has its own box: "
            "`deltas[row, classes]`.",
        ),
        "forgets_the_weights": (
            forgets_the_weights,
            "Your boxes move ten times too far: the deltas were trained times (10, 10, 5, 5), so "
            "`decode` must be told.",
        ),
        "leaves_the_image": (
            leaves_the_image,
            "Your boxes reach beyond the image. Cut them off at its edges before NMS.",
        ),
        "suppresses_across_classes": (
            suppresses_across_classes,
            "You suppress across classes, so a box loses to another class's box in its place. "
            "NMS runs within each class: give `batched_nms` the classes as groups.",
        ),
        "keeps_slivers": (
            keeps_slivers,
            "What is left of a box at the image's edge may be less than a pixel wide. Drop it: "
            "no mask fits in it.",
        ),
    },
)
