"""Exercises of lesson 08: move boxes, label anchors, draw a mask's target, and answer at test."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minseg.boxes import batched_nms, clip_boxes, decode, encode
from minseg.course.exercise import Exercise
from minseg.masks import to_grid
from minseg.models.mask_rcnn.inference import Detections, detect
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS, mask_targets
from minseg.models.mask_rcnn.rpn import anchor_targets
from minseg.models.padding import PaddedTruth

# 08.encode

ONES = (1.0, 1.0, 1.0, 1.0)


def boxes_and_anchors(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, tuple]]:
    """Wide and tall boxes, the anchor itself, both kinds of weights, double, strided, none."""
    yield torch.tensor([[12.0, 20, 44, 36]]), torch.tensor([[10.0, 10, 30, 30]]), ONES
    yield torch.tensor([[12.0, 20, 44, 36]]), torch.tensor([[10.0, 10, 30, 30]]), BOX_WEIGHTS
    yield torch.tensor([[3.5, 4, 9, 12.25]]), torch.tensor([[3.5, 4, 9, 12.25]]), BOX_WEIGHTS
    corner = 50 * torch.rand(5, 2, generator=generator)
    side = 4 + 30 * torch.rand(5, 4, generator=generator)
    boxes = torch.cat([corner, corner + side[:, :2]], dim=1)
    anchors = torch.cat([corner - 3, corner - 3 + side[:, 2:]], dim=1)
    yield boxes, anchors, (2.0, 3.0, 4.0, 5.0)
    yield boxes.double().T.contiguous().T, anchors.double(), ONES
    yield torch.zeros(0, 4), torch.zeros(0, 4), ONES


def _moves(
    boxes: Tensor,
    anchors: Tensor,
    weights: tuple[float, ...],
    unit: Callable[[Tensor, Tensor], Tensor] = lambda box, anchor: anchor,
    place: float = 0.5,
    size: Callable[[Tensor], Tensor] = torch.log,
    weigh: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Tensor:
    """The box targets with a switch for each of their parts."""
    sides, anchor_sides = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    at, anchor_at = boxes[:, :2] + place * sides, anchors[:, :2] + place * anchor_sides
    shift = (at - anchor_at) / unit(sides, anchor_sides)
    moves = torch.cat([shift, size(sides / anchor_sides)], dim=1)
    return weigh(moves, moves.new_tensor(weights))


def _moves_that(**changes: object) -> Callable[..., Tensor]:
    def moves_with_a_mistake(boxes, anchors, weights):  # type: ignore[no-untyped-def]
        return _moves(boxes, anchors, weights, **changes)

    return moves_with_a_mistake


def starts_from_the_box(boxes: Tensor, anchors: Tensor, weights: tuple[float, ...]) -> Tensor:
    return encode(anchors, boxes, weights)


ENCODE = Exercise(
    "08.encode",
    reference=encode,
    cases=boxes_and_anchors,
    hints=(
        "Turn both into centre (x, y) and size (w, h) first.",
        "dx = (x - x_a) / w_a and dy = (y - y_a) / h_a: shifts in units of the *anchor's* size.",
        "dw = log(w / w_a), dh = log(h / h_a). Stack to (N, 4) and multiply by the weights.",
    ),
    mistakes={
        "starts_from_the_box": (
            starts_from_the_box,
            "You describe the way from the box to the anchor. A network starts at the anchor, so "
            "subtract its centre, and divide by its size.",
        ),
        "shifts_in_pixels": (
            _moves_that(unit=lambda box, anchor: torch.ones_like(box)),
            "Your shifts are in pixels, so large things make large losses. Divide dx by the "
            "anchor's width, dy by its height.",
        ),
        "divides_by_the_box": (
            _moves_that(unit=lambda box, anchor: box),
            "You divide the shift by the size of the box, which at test nobody knows. Divide by "
            "the anchor's.",
        ),
        "measures_at_the_corner": (
            _moves_that(place=0.0),
            "Your shift is that of the upper left corner. It is the shift of the centre.",
        ),
        "forgets_the_logarithm": (
            _moves_that(size=lambda ratio: ratio),
            "Your sizes are plain ratios: a box like its anchor gives 1, where it should give 0. "
            "Take the logarithm.",
        ),
        "takes_the_other_logarithm": (
            _moves_that(size=torch.log2),
            "You took log2. It is the natural logarithm, for `decode` calls exp.",
        ),
        "forgets_the_weights": (
            _moves_that(weigh=lambda moves, weights: moves),
            "Right, but for the weights: multiply dx, dy, dw, dh by them.",
        ),
        "divides_by_the_weights": (
            _moves_that(weigh=torch.div),
            "`decode` divides by the weights, so here you multiply by them.",
        ),
    },
)

# 08.anchor_targets


def overlaps_to_judge(generator: torch.Generator) -> Iterable[tuple[Tensor, float, float]]:
    """Values on the thresholds, ties, padding, a thing that nobody touches or hardly anybody."""
    on_the_border = torch.tensor([[0.7], [0.6], [0.599], [0.3], [0.299], [0.0]])
    yield on_the_border[None], 0.6, 0.3
    tied = torch.tensor([[0.45, 0.1], [0.45, 0.0], [0.2, 0.8], [0.0, 0.65], [0.0, 0.0]])
    yield tied[None], 0.6, 0.3
    padded = torch.cat([tied, torch.zeros(5, 1)], dim=1)  # no thing; or one that nobody touches
    yield torch.stack([padded, padded.flip(0)]), 0.6, 0.3
    poorly = torch.tensor([[0.28, 0.25], [0.7, 0.1], [0.05, 0.2]])  # anchor 0 is thing 1's best
    yield poorly[None], 0.6, 0.3
    yield torch.rand(2, 30, 4, generator=generator), 0.7, 0.3
    yield torch.rand(1, 4, 12, generator=generator).transpose(1, 2).double(), 0.9, 0.5
    yield torch.zeros(2, 3, 1), 0.6, 0.3


def label(fn: Callable[..., tuple], overlaps: Tensor, positive: float, negative: float) -> tuple:
    """Call it as the package does, with the thresholds by name."""
    return fn(overlaps, positive=positive, negative=negative)


def _targets(
    overlaps: Tensor,
    positive: float,
    negative: float,
    forced: Callable[[Tensor, Tensor], Tensor] = lambda o, most: (o == most) & (most > 0),
    reaches: Callable[[Tensor, float], Tensor] = torch.ge,
    below: Callable[[Tensor, float], Tensor] = torch.lt,
    rest: bool = False,
    exclusive: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """The anchors' labels with a switch for each of the rules."""
    best, thing = overlaps.max(dim=2)
    yes = reaches(best, positive) | forced(overlaps, overlaps.amax(dim=1, keepdim=True)).any(dim=2)
    no = ~yes if rest else below(best, negative)
    return yes, no & ~yes if exclusive else no, thing


def _targets_that(**changes: object) -> Callable[..., tuple]:
    def targets_with_a_mistake(overlaps, *, positive, negative):  # type: ignore[no-untyped-def]
        return _targets(overlaps, positive, negative, **changes)

    return targets_with_a_mistake


def one_of_the_best(overlaps: Tensor, most: Tensor) -> Tensor:
    first = torch.zeros_like(overlaps).scatter(1, overlaps.argmax(dim=1, keepdim=True), 1)
    return (first > 0) & (most > 0)


def belongs_to_who_forced_it(
    overlaps: Tensor, *, positive: float, negative: float
) -> tuple[Tensor, Tensor, Tensor]:
    yes, no, thing = anchor_targets(overlaps, positive=positive, negative=negative)
    most = overlaps.amax(dim=1, keepdim=True)
    forced = (overlaps == most) & (most > 0)
    return yes, no, torch.where(forced.any(dim=2), forced.long().argmax(dim=2), thing)


ANCHOR_TARGETS = Exercise(
    "08.anchor_targets",
    reference=anchor_targets,
    cases=overlaps_to_judge,
    probe=label,
    hints=(
        "`overlaps.max(dim=2)` gives each anchor's best overlap and the thing it is with.",
        "`overlaps.amax(dim=1, keepdim=True)` is how well any anchor fits each thing. Whoever "
        "equals it is forced to say yes.",
        "A thing that is padding has overlap 0 with all anchors, and so all of them equal the "
        "largest. Ask for `most > 0`. And no anchor says yes and no.",
    ),
    mistakes={
        "forgets_the_best_anchor": (
            _targets_that(forced=lambda o, most: torch.zeros_like(o, dtype=torch.bool)),
            "A thing that no anchor reaches `positive` with would never be learnt. The anchors "
            "that overlap it most say yes, however little that is.",
        ),
        "forces_on_padding": (
            _targets_that(forced=lambda o, most: o == most),
            "With a thing that no anchor overlaps, padding for one, every anchor has the largest "
            "overlap: 0. You make all of them say yes. Require an overlap above 0.",
        ),
        "forces_one_of_the_best": (
            _targets_that(forced=one_of_the_best),
            "Several anchors may overlap a thing equally and most. All of them say yes, and "
            "argmax names only the first: compare with the maximum.",
        ),
        "forces_and_forbids": (
            _targets_that(exclusive=False),
            "An anchor that is forced to say yes may lie below `negative`. Yours then says both: "
            "take `& ~yes`.",
        ),
        "teaches_all_the_rest": (
            _targets_that(rest=True),
            "You make every other anchor say no. Those between the thresholds are neither: only "
            "below `negative` it is no.",
        ),
        "above_positive": (
            _targets_that(reaches=torch.gt),
            "At exactly `positive` an anchor says yes: ≥, not >.",
        ),
        "up_to_negative": (
            _targets_that(below=torch.le),
            "At exactly `negative` an anchor says nothing: <, not ≤.",
        ),
        "belongs_to_who_forced_it": (
            belongs_to_who_forced_it,
            "A forced anchor belongs to the thing that it overlaps most, like any other, even if "
            "another thing forced it.",
        ),
    },
)

# 08.mask_targets


def proposals_and_things(generator: torch.Generator) -> Iterable[tuple]:
    """Two images, fractional and loose boxes, beyond the edge, a thing cut off, none."""
    masks = torch.zeros(2, 2, 11, 14, dtype=torch.bool)
    masks[0, 0, 2:6, 3:10], masks[0, 1, 5:11, 0:4] = True, True
    masks[1, 0, 0:9, 6:13] = torch.rand(9, 7, generator=generator) > 0.3
    masks[1, 1, 7:10, 1:12] = True
    boxes = torch.zeros(2, 2, 4)
    for image in range(2):
        for thing in range(2):
            rows, columns = masks[image, thing].nonzero(as_tuple=True)
            sides = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes[image, thing] = torch.stack(sides)
    truth = PaddedTruth(boxes, torch.tensor([[0, 1], [1, 0]]), masks)
    rois = torch.tensor([[0, 2.3, 1.5, 8.7, 6.2], [0, 0.5, 4.25, 4.5, 9.5], [1, 5, 1.5, 12.5, 8]])
    yield rois[:1], torch.tensor([0]), truth, 4
    yield rois, torch.tensor([0, 1, 0]), truth, 5
    yield rois.flip(0), torch.tensor([1, 1, 0]), truth, 3
    beyond = torch.tensor([[1.0, -4.5, 6, 6.5, 14], [0, 6, -3, 20, 8]])
    yield beyond, torch.tensor([1, 0]), truth, 4
    yield rois[:0], torch.zeros(0, dtype=torch.int64), truth, 4


def crops_with_the_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    image = rois[:, 0].long()
    return to_grid(truth.masks[image, things], truth.boxes[image, things], size)


def drops_batch_index(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[torch.zeros_like(things), things], rois[:, 1:], size)


def takes_the_first_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return mask_targets(rois, torch.zeros_like(things), truth, size)


def takes_any_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[rois[:, 0].long()].any(dim=1), rois[:, 1:], size)


def rounds_the_box(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return mask_targets(rois.round(), things, truth, size)


def stays_on_the_image(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    height, width = truth.masks.shape[2:]
    inside = clip_boxes(rois[None, :, 1:], torch.tensor([[height, width]]))[0]
    return mask_targets(torch.cat([rois[:, :1], inside], dim=1), things, truth, size)


def draws_hard_edges(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[rois[:, 0].long(), things], rois[:, 1:], size, binary=True)


MASK_TARGETS = Exercise(
    "08.mask_targets",
    reference=mask_targets,
    cases=proposals_and_things,
    hints=(
        "The first number of a RoI's row says in which image it lies; `things` says which of that "
        "image's things it is one of.",
        "`truth.masks[rois[:, 0].long(), things]` is (P, H, W), one mask a proposal.",
        "`to_grid(masks, boxes, size)` of `minseg.masks` gives each cell's covered share. Which "
        "box? The one whose features the mask head is shown.",
    ),
    mistakes={
        "crops_with_the_thing": (
            crops_with_the_thing,
            "You crop with the thing's own box. The head sees the *proposal*, so its target must "
            "be what lies in the proposal, off-centre or cut as it may be.",
        ),
        "drops_batch_index": (
            drops_batch_index,
            "You take all masks from image 0. The first number of a row says which image.",
        ),
        "takes_the_first_thing": (
            takes_the_first_thing,
            "You always take thing 0. `things` says which thing of its image each proposal is of.",
        ),
        "takes_any_thing": (
            takes_any_thing,
            "Your target holds every thing in the box. A mask is of one instance: of `things`.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "You round the proposal to whole pixels. That is the error RoIAlign was made to end.",
        ),
        "stays_on_the_image": (
            stays_on_the_image,
            "You cut the box off at the image's edge, which stretches what is left over the grid. "
            "Keep the box: outside the image is background.",
        ),
        "draws_hard_edges": (
            draws_hard_edges,
            "Your cells are 0 or 1. Here a cell is the *share* of its area that is covered, which "
            "tells the head where in the cell the outline passes.",
        ),
    },
)

# 08.detect


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
    scores = scored(logits)
    likely = scores > score_threshold
    if only_best and len(scores):
        likely &= scores == scores.amax(dim=1, keepdim=True)
    row, classes = likely.nonzero(as_tuple=True)
    moves = deltas[row, 0 * classes if first_class else classes]
    boxes = decode(moves, proposals[row], weights)
    boxes = clip_boxes(boxes[None], size[None])[0] if cut else boxes
    real = (boxes[:, 2:] - boxes[:, :2] >= least).all(dim=1)
    boxes, classes, scores = boxes[real], classes[real], scores[row, classes][real]
    groups = classes if grouped else torch.zeros_like(classes)
    kept = batched_nms(boxes, scores, groups, iou_threshold)[:most]
    return Detections(boxes[kept], classes[kept], scores[kept])


def _detect_that(**changes: object) -> Callable[..., Detections]:
    def detect_with_a_mistake(*case):  # type: ignore[no-untyped-def]
        return _detect(*case, **changes)

    return detect_with_a_mistake


DETECT = Exercise(
    "08.detect",
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
            _detect_that(scored=lambda logits: logits[:, :-1].softmax(dim=1)),
            "You drop background before the softmax, so every proposal must be something. Let it "
            "compete: softmax first, then drop its column.",
        ),
        "judges_each_class_alone": (
            _detect_that(scored=lambda logits: logits[:, :-1].sigmoid()),
            "You took the sigmoid. The box head's classes compete, with background, in one "
            "softmax; it is the *masks* that do not.",
        ),
        "takes_the_best_class_only": (
            _detect_that(only_best=True),
            "You keep one class of each proposal. Every class above the threshold counts: at "
            "test a proposal may give two detections, and AP gains by it.",
        ),
        "moves_as_the_first_class": (
            _detect_that(first_class=True),
            "You take the deltas of class 0 for all. Each class has its own box: "
            "`deltas[row, classes]`.",
        ),
        "forgets_the_weights": (
            _detect_that(weights=ONES),
            "Your boxes move ten times too far: the deltas were trained times (10, 10, 5, 5), so "
            "`decode` must be told.",
        ),
        "leaves_the_image": (
            _detect_that(cut=False),
            "Your boxes reach beyond the image. Cut them off at its edges before NMS.",
        ),
        "suppresses_across_classes": (
            _detect_that(grouped=False),
            "You suppress across classes, so a box loses to another class's box in its place. "
            "NMS runs within each class: give `batched_nms` the classes as groups.",
        ),
        "keeps_slivers": (
            _detect_that(least=0),
            "What is left of a box at the image's edge may be less than a pixel wide. Drop it: "
            "no mask fits in.",
        ),
    },
)

EXERCISES = (ENCODE, ANCHOR_TARGETS, MASK_TARGETS, DETECT)
