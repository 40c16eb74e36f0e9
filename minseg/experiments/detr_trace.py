"""DETR traced on one image: each query followed through the decoder's layers.

After each layer a query looks somewhere, names a class, gives a box and draws a mask, and the
matching says for which thing it would answer. Here all of that has one number for the query and one
for the layer, so that a query can be followed:

    share_on(thing) = Σ over cells of attention · the share of the cell that the thing covers

(Carion et al., End-to-End Object Detection with Transformers, 2020.) Unit 54 and its widget,
`QueryViewer`, use it.

    L decoder layers    Q queries    G things    h_T, w_T size of the memory    H, W of the image
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.data.example import Sample, as_example
from minseg.metrics.iou import mask_iou
from minseg.models import DETR
from minseg.models.detr.heads import boxes_in_pixels
from minseg.models.detr.losses import Answers, match, shrunk
from minseg.models.detr.model import truth_of
from minseg.models.padding import pad_images, pad_truth

NOBODY = -1  # a query that answers for nothing


class DETRTrace:
    """A model's answers for one scene, after every layer, on the CPU.

    Args:
        model: trained or not; it is not changed.
        scene: with `image` (3, H, W) and `instances`, and `panoptic` if the model knows stuff.

    Attributes:
        size: (H, W) of the image. frame: (H', W') of the padded one, which the memory covers.
        truth: the instances that the queries are to find.
        looks: (L, heads, Q, h_T, w_T), where each query looks; adds up to 1 over the cells.
        probabilities: (L, Q, C + 1), "no object" last. boxes: (L, Q, 4) corners in pixels.
        masks: (L, Q, H, W) bool. iou: (L, Q, G) of each mask with each thing's.
        partner: (L, Q) int64, the thing for which each query would answer in training, −1 for none.
        cover: (G, h_T, w_T), the share of each cell that each thing covers.

    Raises:
        TypeError, ValueError: as `pad_images`, `pad_truth` and `truth_of` say.
    """

    @torch.no_grad()
    def __init__(self, model: DETR, scene: Sample) -> None:
        example = as_example(scene, 0)
        self.model, self.image = model, example.image
        found = truth_of([example], model.stuff)[0]
        self.truth = found[~found.crowd & found.masks.flatten(1).any(dim=1)]  # as `pad_truth`
        batch, sizes = pad_images(example.image[None], model.strides[-1])
        (height, width), frame = example.image.shape[1:], batch.shape[2:]
        self.size, self.frame = (height, width), (frame[0], frame[1])
        # Everything that the network says, after every layer.
        stages = model.stages(example.image[None])
        self.looks = stages.looks[:, 0]
        self.probabilities = stages.logits[:, 0].softmax(dim=2)
        self.boxes = boxes_in_pixels(stages.boxes[:, 0], sizes[0])  # (L, Q, 4)
        self.masks = self._at_full_size(stages.masks[:, 0])
        # Whose answers these are, and how good.
        known = pad_truth([self.truth], model.categories, sizes, self.frame)
        answers = Answers(stages.logits, stages.boxes, stages.masks)
        pairs = match(answers, known, sizes, model.matching)
        self.partner = torch.full(self.boxes.shape[:2], NOBODY)  # (L, Q)
        self.partner[pairs.picks.layer, pairs.picks.query] = pairs.thing
        flat = mask_iou(self.masks.flatten(0, 1), self.truth.masks)  # (L · Q, G)
        self.iou = flat.unflatten(0, self.partner.shape)
        self.cover = self._cover()

    def look(self, layer: int, query: int, head: int | None = None) -> Tensor:
        """(h_T, w_T): where a query looks in a layer, with one head or the mean of all."""
        heads = self.looks[layer, :, query]  # (heads, h_T, w_T)
        return heads.mean(dim=0) if head is None else heads[head]

    def share_on(self, look: Tensor, thing: int) -> float:
        """How much of a look (h_T, w_T) lies on a thing, 0 to 1."""
        return float((look * self.cover[thing]).sum())

    def thing_of(self, query: int) -> int:
        """The thing that a query answers for in the end, or, without one, whose mask it fits best.

        −1 where it touches no thing at all.
        """
        if self.partner[-1, query] >= 0:
            return int(self.partner[-1, query])
        iou = self.iou[-1, query]
        return int(iou.argmax()) if len(iou) and iou.max() > 0 else NOBODY

    def surest_query(self) -> int:
        """The query that is surest of an object in the end: where a viewer begins."""
        return int(self.probabilities[-1, :, :-1].amax(dim=1).argmax())

    def _at_full_size(self, logits: Tensor) -> Tensor:
        """(L, Q, h, w) logits to (L, Q, H, W) bool, as the model's `predict` does it."""
        whole = F.interpolate(logits.sigmoid(), self.frame, mode="bilinear")
        return whole[..., : self.size[0], : self.size[1]] > 0.5

    def _cover(self) -> Tensor:
        """(G, h_T, w_T) of the padded image's cells."""
        down, right = (whole - part for whole, part in zip(self.frame, self.size, strict=True))
        padded = F.pad(self.truth.masks.float(), (0, right, 0, down))  # (G, H', W')
        return shrunk(padded, self.looks.shape[3:])
