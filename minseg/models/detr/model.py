"""DETR, whole and small: objects as a set, without anchors, proposals or suppression.

    image → ResNet + FPN → cells of the coarsest level + positions → encoder → memory
    queries → decoder, which reads the memory → class and box of each query, after each layer
            → attention maps + pyramid → mask of each query

    L = Σ_layers L_class + L_box + L_giou  +  L_bce + L_dice

(Carion et al., End-to-End Object Detection with Transformers, 2020.) Each stage is a file of its
own. Against the paper everything is narrower, the memory is finer (stride 8, since things are
small), and masks learn with all the rest instead of after it. Places are also added to the cells
before the encoder, so that what a query reads tells where it was: the paper adds them to queries
and keys alone, and its boxes take long to learn. Which query answers which truth is decided by
`matching`. Units 53 and 54. The letters in the shapes are those of `minseg.models`, and

    T   cells of the memory     Q   queries     L   decoder layers     P   pairs of query and thing
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minseg.data.example import Example
from minseg.instances import Instances
from minseg.models.backbone import Backbone
from minseg.models.crops import Crops, crop_instances
from minseg.models.detr.heads import ClassHead, QueryBoxHead
from minseg.models.detr.inference import SURE, instances_of, panoptic_map
from minseg.models.detr.losses import (
    MATCHINGS,
    Answers,
    Pairs,
    mask_losses,
    match,
    set_losses,
    things_of,
)
from minseg.models.detr.mask_head import Picks, QueryMaskHead
from minseg.models.detr.positions import cell_centres, real_cells, sine_code
from minseg.models.detr.transformer import Decoder, Encoder
from minseg.models.padding import GREY, pad_images, pad_truth
from minseg.panoptic import decode


class Memory(NamedTuple):
    """What queries can read of a batch."""

    cells: Tensor  # (B, T, width), T = h_T · w_T row by row
    places: Tensor  # (B, T, width) codes of their positions
    real: Tensor | None  # (B, T) bool, false in the padding; None if there is none
    pyramid: list[Tensor]  # (B, channels, H_k, W_k), finest first


class Stages(NamedTuple):
    """What happens between an image and its instances, for a batch."""

    memory: Memory
    queries: Tensor  # (L, B, Q, width) after each layer
    looks: Tensor  # (L, B, heads, Q, h_T, w_T) where each looks in each layer; adds up to 1
    logits: Tensor  # (L, B, Q, C + 1)
    boxes: Tensor  # (L, B, Q, 4) cx, cy, w, h as shares of each image
    masks: Tensor  # (L, B, Q, h, w) logits at the finest stride


class DETR(nn.Module):
    """An instance segmenter, or a panoptic one, for images of any size.

    Every cell reads every other, so work grows with the square of an image's area: four megapixels
    are 65,000 cells, and should be made smaller first.

    Args:
        classes: the category ids of things that it knows, or how many (then 1 to that number).
        stuff: category ids of stuff. With some, it learns from panoptic maps and draws them.
        widths, strides, channels: of the `Backbone`; the memory is the coarsest level.
        width, heads, layers, hidden: of the transformer; heads and layers are of encoder and
            decoder. In the encoder, where many cells ask, heads cost time.
        queries: Q, the most that can be found in an image. Of more things than queries in a
            training image, those without which the rest costs least teach nothing in that step.
        matching: which query answers which thing, "boxes" as published, "masks", or "classes",
            which fails and shows why; see `minseg.models.detr.losses`.
        mask_width: channels in the mask head.
        deep_masks: whether masks are learnt after each decoder layer, or after the last alone.

    Raises:
        ValueError: if there are no classes, ids repeat or lie below 1, `matching` is none of the
            three, or as `Backbone` and `Attention` say.
    """

    def __init__(
        self,
        *,
        classes: int | Sequence[int] = (1, 2, 3),
        stuff: Sequence[int] = (),
        widths: Sequence[int] = (24, 48, 96),
        strides: Sequence[int] = (4, 8),
        channels: int = 64,
        width: int = 64,
        heads: tuple[int, int] = (4, 8),
        layers: tuple[int, int] = (3, 3),
        hidden: int = 256,
        queries: int = 20,
        matching: str = "masks",
        mask_width: int = 16,
        deep_masks: bool = True,
    ) -> None:
        # All arguments, to be saved beside the weights: with them this model is made again.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.options = options
        things = tuple(range(1, classes + 1)) if isinstance(classes, int) else tuple(classes)
        ids = (*things, *stuff)
        if not things or min(ids) < 1 or len(set(ids)) != len(ids):
            raise ValueError(
                f"classes and stuff must be different category ids from 1 on, at least one of a "
                f"thing, got {classes} and {tuple(stuff)}"
            )
        if matching not in MATCHINGS:
            raise ValueError(f"matching must be one of {', '.join(MATCHINGS)}, got {matching!r}")
        self.things, self.stuff, self.categories = things, tuple(stuff), ids
        self.strides, self.matching, self.deep_masks = tuple(strides), matching, deep_masks
        self.backbone = Backbone(
            widths=widths, blocks=(0, *[1] * (len(widths) - 1)), strides=strides, channels=channels
        )
        self.enter = nn.Linear(channels, width)
        self.encoder = Encoder(layers[0], width, heads[0], hidden)
        self.decoder = Decoder(queries, layers[1], width, heads[1], hidden)
        self.class_head, self.box_head = ClassHead(width, len(ids)), QueryBoxHead(width)
        self.mask_head = QueryMaskHead(heads[1], channels, len(strides), mask_width)

    @property
    def checkpointing(self) -> bool:
        """Whether training computes the ResNet's activations twice instead of keeping them."""
        return self.backbone.resnet.checkpointing

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        self.backbone.resnet.checkpointing = wanted

    def losses(
        self,
        images: Tensor | Sequence[Tensor],
        targets: Sequence[Instances | Example],
        *,
        seeds: Sequence[int] | None = None,
    ) -> dict[str, Tensor]:
        """The five losses of a batch; their sum is what to minimise.

        Args:
            images: (B, 3, H, W) or a list of (3, H, W), RGB in [0, 1].
            targets: one `Instances` for each image; a model with stuff needs an `Example` each,
                with its panoptic map.
            seeds: not used, nothing is drawn at random here.

        Returns:
            class, box, giou, bce and dice, () float32 each, weighted, divided by the number of
            things in the batch on all processes.

        Raises:
            TypeError, ValueError: as `pad_images` and `pad_truth` say; ValueError if there is stuff
                and no panoptic map.
        """
        # The batch in one shape: images (B, 3, H, W), truths (B, G, …).
        batch, sizes = pad_images(images, self.strides[-1])
        learnt = truth_of(targets, self.stuff)
        truth = pad_truth(learnt, self.categories, sizes, batch.shape[2:])

        # What every query says after every layer.
        memory = self.remember(batch, sizes)
        queries, looks = self.ask(memory)  # (L, B, Q, width), (L, B, heads, Q, T)
        logits, boxes = self.class_head(queries), self.box_head(queries)
        features = self.mask_head.read(memory.pyramid)

        # Who answers for what? Where masks decide, all are drawn for it, without a gradient.
        masks = None
        if self.matching == "masks":
            with torch.no_grad():
                masks = self._draw_all(looks, features, memory.real)
        answers = Answers(logits, boxes, masks)
        pairs = match(answers, truth, sizes, self.matching)

        # Partners are to agree. With a gradient only their masks are drawn.
        losses = set_losses(answers, pairs, truth, sizes)
        if not self.deep_masks:
            pairs = last_layer(pairs, len(queries))
        drawn = self.mask_head(looks, features, pairs.picks, memory.real)  # (P, h, w)
        true = truth.masks[pairs.picks.image, pairs.thing]  # (P, H, W)
        return losses | mask_losses(drawn, true, things_of(truth))

    def remember(self, batch: Tensor, sizes: Tensor) -> Memory:
        """Padded images (B, 3, H, W), of heights and widths (B, 2), to what queries read."""
        pyramid = self.backbone(batch - GREY)
        coarse, stride = pyramid[-1], self.strides[-1]
        shape = coarse.shape[2:]
        # A cell is a token: features, row by row, with a code of its place.
        width = self.enter.out_features
        places = sine_code(cell_centres(sizes, shape, stride), width).flatten(1, 2)
        cells = self.enter(coarse.flatten(2).transpose(1, 2)) + places  # (B, T, width)
        real = real_cells(sizes, shape, stride)
        unpadded = None if bool(real.all()) else real
        return Memory(self.encoder(cells, places, unpadded), places, unpadded, pyramid)

    def ask(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """What queries know after each layer, (L, B, Q, width), and where they looked.

        The latter as logarithms, (L, B, heads, Q, T).
        """
        return self.decoder(memory.cells, memory.places, memory.real)

    def _draw_all(self, looks: Tensor, features: Sequence[Tensor], real: Tensor | None) -> Tensor:
        """(L, B, heads, Q, T) to the masks of all queries, (L, B, Q, h, w)."""
        layers, images, _, queries, _ = looks.shape
        every = torch.ones(layers, images, queries, dtype=torch.bool, device=looks.device)
        picks = Picks(*every.nonzero(as_tuple=True))
        return self.mask_head(looks, features, picks, real).unflatten(0, every.shape)

    @torch.no_grad()
    def stages(self, images: Tensor | Sequence[Tensor]) -> Stages:
        """Everything between the images and what is found in them."""
        batch, sizes = pad_images(images, self.strides[-1])
        memory = self.remember(batch, sizes)
        queries, looks = self.ask(memory)
        masks = self._draw_all(looks, self.mask_head.read(memory.pyramid), memory.real)
        return Stages(
            memory,
            queries,
            looks.exp().unflatten(4, memory.pyramid[-1].shape[2:]),
            self.class_head(queries),
            self.box_head(queries),
            masks,
        )

    @torch.no_grad()
    def predict(
        self,
        images: Tensor | Sequence[Tensor],
        *,
        score_threshold: float = 0.05,
        most: int = 100,
    ) -> list[Instances]:
        """What the model sees in each image, best first, as masks of the image's own size.

        Args:
            images: as in `losses`.
            score_threshold, most: as in `instances_of`. No more than Q are found. Of a model with
                stuff, its stuff is among them.
        """
        return [
            instances_of(logits, masks, self.categories, score_threshold=score_threshold, most=most)
            for logits, masks in self._last(images)
        ]

    def predict_crops(
        self,
        images: Tensor | Sequence[Tensor],
        score_threshold: float = 0.05,
        most: int = 100,
    ) -> list[Crops]:
        """`predict` with each mask only in its box."""
        found = self.predict(images, score_threshold=score_threshold, most=most)
        return [crop_instances(one) for one in found]

    @torch.no_grad()
    def predict_panoptic(
        self, images: Tensor, *, sure: float = SURE, remerge: bool = False
    ) -> Tensor:
        """(B, H, W) panoptic ids of images of one size. Arguments as in `panoptic_map`.

        Raises:
            ValueError: if the model knows no stuff: then a pixel outside of all things has no
                query to go to.
        """
        if not self.stuff:
            raise ValueError("stuff must hold a category for a panoptic map, got none")
        maps = [
            panoptic_map(
                logits, masks, self.categories, stuff=self.stuff, sure=sure, remerge=remerge
            )
            for logits, masks in self._last(images)
        ]
        return torch.stack(maps)

    def _last(self, images: Tensor | Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Of each image, after the last layer: logits (Q, C + 1), masks (Q, H, W) as probabilities.

        Probabilities are made finer, not logits: a cell that is covered by half has ½, and between
        cells the step from 0 to 1 is the same however sure the network is.
        """
        batch, sizes = pad_images(images, self.strides[-1])
        memory = self.remember(batch, sizes)
        queries, looks = self.ask(memory)
        features = self.mask_head.read(memory.pyramid)
        masks = self._draw_all(looks[-1:], features, memory.real)[0].sigmoid()  # (B, Q, h, w)
        logits = self.class_head(queries[-1])  # (B, Q, C + 1)
        answers = []
        for own, mask, (height, width) in zip(logits, masks, sizes.tolist(), strict=True):
            # To the padded image's size, of which the image itself is the upper left part.
            whole = F.interpolate(mask[None], batch.shape[2:], mode="bilinear")[0]
            answers.append((own, whole[:, :height, :width]))
        return answers


def truth_of(targets: Sequence[Instances | Example], stuff: Sequence[int]) -> list[Instances]:
    """What the queries are to find: things, and behind them each stuff class as one mask more.

    Args:
        targets: `Instances`, or `Example` with a panoptic map where there is stuff.
        stuff: categories.

    Raises:
        ValueError: if there is stuff and a target has no panoptic map.
    """
    found = []
    for i, target in enumerate(targets):
        things = target.instances if isinstance(target, Example) else target
        if stuff:
            if not isinstance(target, Example) or target.panoptic is None:
                raise ValueError(
                    f"targets[{i}] must be an Example with a panoptic map: it has none"
                )
            things = _joined(things, _stuff_in(target.panoptic, stuff))
        found.append(things)
    return found


def _stuff_in(ids: Tensor, stuff: Sequence[int]) -> Instances:
    """The stuff of a panoptic map (H, W) as masks, empty ones left out."""
    labels = torch.tensor(list(stuff), device=ids.device)
    masks = decode(ids)[0] == labels[:, None, None]  # (S, H, W)
    there = masks.flatten(1).any(dim=1)
    return Instances(masks[there], labels[there])


def _joined(first: Instances, second: Instances) -> Instances:
    return Instances(
        torch.cat([first.masks, second.masks]),
        torch.cat([first.labels, second.labels]),
        crowd=torch.cat([first.crowd, second.crowd]),
    )


def last_layer(pairs: Pairs, layers: int) -> Pairs:
    """The pairs after the last of so many layers."""
    kept = pairs.picks.layer == layers - 1
    return Pairs(Picks(*(one[kept] for one in pairs.picks)), pairs.thing[kept])
