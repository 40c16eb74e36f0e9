"""What SOLO, Decoupled SOLO and SOLOv2 have in common: a grid that says what is where.

    image → ResNet + FPN → class branch → which class, if any, each cell sees
                         → mask branch  → a mask for any cell that is asked for

    L = L_category + L_mask                    see `minseg.models.solo.losses`

No boxes, no anchors, no proposals: an instance is known by its place (Wang et al., SOLO: Segmenting
Objects by Locations, 2020). The forms differ in the mask branch alone, which is two methods:
`mask_features` for an image and `read_masks` for cells. All masks have the stride of the finest
level. Masks of cells that own nothing, and at test of cells that see nothing, are never computed.
Units 50 to 52. The letters in the shapes are those of `minseg.models`; A counts the cells of an
image on all its levels, P those that are positive, and h, w are the size of the finest level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from minseg.instances import Instances
from minseg.masks.runs import Crop, tight_crop
from minseg.models.backbone import Backbone
from minseg.models.crops import Crops
from minseg.models.padding import GREY, PaddedTruth, pad_images, pad_truth
from minseg.models.solo.grid import NOTHING, grid_targets, mass_centres
from minseg.models.solo.heads import CategoryBranch
from minseg.models.solo.inference import (
    LARGEST,
    MOST_CANDIDATES,
    Candidates,
    maskness,
    point_nms,
    upsample,
)
from minseg.models.solo.losses import category_loss, mask_loss, share_of_places
from minseg.models.suppression import matrix_nms


class Seen(NamedTuple):
    """What a network says about a batch."""

    classes: Tensor  # (B, A, C) logits, float32
    features: list[Tensor]  # whatever `read_masks` reads


class GridSegmenter(nn.Module):
    """An instance segmenter whose instances are cells of grids; a base for three models.

    Args:
        classes: the category ids that it knows, or how many (then 1 to that number).
        widths, strides, channels: of the `Backbone`.
        grids: S of each level. ranges: smallest and largest √(width · height), in pixels, of the
            things that train each level; see `minseg.models.solo.grid`.
        epsilon: of the centre region. width, convs: of the towers.
        fine: the loss sees masks this many times finer than the finest level.

    Raises:
        ValueError: if there are no classes, ids repeat or lie below 1, levels, grids and ranges are
            not equally many, `fine` does not divide the finest stride, or as `Backbone` says.
    """

    def __init__(
        self,
        *,
        classes: int | Sequence[int],
        widths: Sequence[int],
        strides: Sequence[int],
        channels: int,
        grids: Sequence[int],
        ranges: Sequence[tuple[float, float]],
        epsilon: float,
        width: int,
        convs: int,
        fine: int,
    ) -> None:
        super().__init__()
        ids = tuple(range(1, classes + 1)) if isinstance(classes, int) else tuple(classes)
        if not ids or min(ids) < 1 or len(set(ids)) != len(ids):
            raise ValueError(f"classes must be different category ids from 1 on, got {classes}")
        if not len(strides) == len(grids) == len(ranges):
            raise ValueError(
                f"strides, grids and ranges must be equally many, one for each level, got "
                f"{len(strides)}, {len(grids)} and {len(ranges)}"
            )
        if fine < 1 or strides[0] % fine:
            raise ValueError(f"fine must divide {strides[0]}, the finest stride, got {fine}")
        self.categories, self.strides, self.grids = ids, tuple(strides), tuple(grids)
        self.ranges, self.epsilon, self.fine = tuple(map(tuple, ranges)), epsilon, fine
        self.backbone = Backbone(widths=widths, strides=strides, channels=channels)
        self.category_branch = CategoryBranch(channels, width, convs, len(ids), grids)

    @property
    def checkpointing(self) -> bool:
        """Whether training computes the ResNet's activations twice instead of keeping them."""
        return self.backbone.resnet.checkpointing

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        self.backbone.resnet.checkpointing = wanted

    # What a form of SOLO has to say for itself.

    def mask_features(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Levels (B, channels, H_k, W_k) to what `read_masks` needs."""
        raise NotImplementedError

    def read_masks(self, features: list[Tensor], image: Tensor, cells: Tensor) -> Tensor:
        """Mask logits (P, h, w) of cells.

        Args:
            features: of `mask_features`.
            image, cells: (P,) int64 each: whose, in rising order, and which of its A cells.
        """
        raise NotImplementedError

    # Training.

    def losses(
        self,
        images: Tensor | Sequence[Tensor],
        targets: Sequence[Instances],
        *,
        seeds: Sequence[int] | None = None,
    ) -> dict[str, Tensor]:
        """The two losses of a batch; their sum is what to minimise.

        Args:
            images: (B, 3, H, W) or a list of (3, H, W), RGB in [0, 1].
            targets: one `Instances` for each image; crowds teach nothing.
            seeds: not used, since every cell trains and nothing is drawn at random.

        Returns:
            category and mask, () float32 each, averaged over the positive cells of all processes.

        Raises:
            TypeError, ValueError: as `pad_images` and `pad_truth` say.
        """
        # The batch in one shape: images (B, 3, H, W), truths (B, G, …).
        batch, sizes = pad_images(images, self.strides[-1])
        truth = pad_truth(targets, self.categories, sizes, batch.shape[2:])
        seen = self.look(batch)

        # Which cell owns which thing, and its class.
        owner = self.owners(truth)  # (B, A)
        image, cells = (owner >= 0).nonzero(as_tuple=True)  # (P,) each
        things = owner[image, cells]
        classes = torch.full_like(owner, NOTHING)
        classes[image, cells] = truth.classes[image, things]
        losses = {"category": category_loss(seen.classes, classes)}

        # The masks of those cells, and of no other.
        masks = upsample(self.read_masks(seen.features, image, cells).float(), self.fine)
        shares = share_of_places(truth.masks, self.strides[0] // self.fine)  # (B, G, …)
        return losses | {"mask": mask_loss(masks, shares[image, things])}

    def look(self, batch: Tensor) -> Seen:
        """Padded images (B, 3, H, W) to class logits of all cells and mask features."""
        pyramid = self.backbone(batch - GREY)  # (B, channels, H_k, W_k) for each level
        return Seen(self.category_branch(pyramid), self.mask_features(pyramid))

    def owners(self, truth: PaddedTruth) -> Tensor:
        """(B, A) int64: the thing of its image that each cell owns, −1 for none."""
        height, width = truth.masks.shape[2:]
        centres = mass_centres(truth.masks)  # (B, G, 2)
        owner = []
        for grid, (least, most) in zip(self.grids, self.ranges, strict=True):
            sizes, epsilon = (least, most), self.epsilon
            on_level = grid_targets(
                truth.boxes, centres, (height, width), grid, sizes=sizes, epsilon=epsilon
            )
            owner.append(on_level.flatten(1))  # (B, S²)
        return torch.cat(owner, dim=1)

    # Prediction.

    def predict(
        self,
        images: Tensor | Sequence[Tensor],
        score_threshold: float = 0.1,
        keep_threshold: float = 0.05,
        most: int = 100,
    ) -> list[Instances]:
        """What the model sees in each image, best first, as masks of the image's own size.

        Args:
            images: as in `losses`. Images of one batch are padded to one size, and the grid covers
                the padded image: sizes that differ much are better predicted apart.
            score_threshold: what the class probability of a cell must be above.
            keep_threshold: what is left of the score after suppression, at least.
            most: the largest number of instances.
        """
        limits = (score_threshold, keep_threshold, most)
        return [crops.dense() for crops in self.predict_crops(images, *limits)]

    @torch.no_grad()
    def predict_crops(
        self,
        images: Tensor | Sequence[Tensor],
        score_threshold: float = 0.1,
        keep_threshold: float = 0.05,
        most: int = 100,
    ) -> list[Crops]:
        """`predict` with each mask only in its box: for images of many megapixels."""
        batch, sizes = pad_images(images, self.strides[-1])
        seen = self.look(batch)
        results = []
        for i, (height, width) in enumerate(sizes.tolist()):
            found = self.candidates(seen, i, score_threshold, max(most, MOST_CANDIDATES))
            scores = matrix_nms(found.masks, found.classes, found.scores)
            order = scores.argsort(descending=True, stable=True)[:most]
            order = order[scores[order] >= keep_threshold]  # (D,)
            found = Candidates(found.masks, found.classes[order], scores[order], found.cells[order])
            results.append(self.paste(seen, i, found, (height, width)))
        return results

    def candidates(
        self,
        seen: Seen,
        image: int,
        score_threshold: float = 0.1,
        most: int = MOST_CANDIDATES,
    ) -> Candidates:
        """What the cells of one image of a batch claim to see, before suppression.

        Args:
            seen: of `look`. image: which one.
            score_threshold: as in `predict`. most: how many of the best are kept.
        """
        # One candidate for each cell and class that is likely enough and surer than its neighbours.
        of_levels = seen.classes[image].sigmoid().split([grid**2 for grid in self.grids])
        thinned = []
        for grid, scores in zip(self.grids, of_levels, strict=True):
            square = scores.T.unflatten(1, (grid, grid))  # (C, S, S)
            thinned.append(point_nms(square).flatten(1).T)  # (S², C)
        scores = torch.cat(thinned)  # (A, C)
        cells, classes = (scores > score_threshold).nonzero(as_tuple=True)  # (N,) each
        # Their masks, and how sure each is of its own pixels.
        masks, sure = self._masks(seen, image, cells)
        final = scores[cells, classes] * sure
        order = final.argsort(descending=True, stable=True)[:most]
        order = order[final[order] > 0]  # an empty mask has no pixel to be sure of
        return Candidates(masks[order], classes[order], final[order], cells[order])

    def paste(self, seen: Seen, image: int, found: Candidates, size: tuple[int, int]) -> Crops:
        """Candidates as instances of an image of `size`; a mask without any pixel is left out.

        Masks are computed once more, and only so many at once as fit: at full size they would be
        what takes most memory in all of the model.
        """
        (height, width), stride = size, self.strides[0]
        crops: list[Crop] = []
        for some in found.cells.split(_at_once(seen, stride)):
            logits = self.read_masks(seen.features, torch.full_like(some, image), some).float()
            whole = upsample(logits, stride)[:, :height, :width] > 0  # (D, H, W)
            crops += [tight_crop(mask) for mask in whole.cpu().numpy()]
        labels = torch.tensor(self.categories, device=found.classes.device)[found.classes]
        kept = [k for k, crop in enumerate(crops) if crop.mask.size]
        return Crops([crops[k] for k in kept], labels[kept], found.scores[kept], size)

    def _masks(self, seen: Seen, image: int, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Masks (N, h, w) bool and maskness (N,) of cells, so many at once as fit."""
        parts = []
        for some in cells.split(_at_once(seen)):
            logits = self.read_masks(seen.features, torch.full_like(some, image), some)
            parts.append(maskness(logits.float()))
        masks, sure = zip(*parts, strict=True)
        return torch.cat(masks), torch.cat(sure)


def _at_once(seen: Seen, scale: int = 1) -> int:
    """How many masks, `scale` times as fine as the features, are computed at once."""
    height, width = seen.features[0].shape[2:]
    return max(LARGEST // (height * width * scale**2), 1)
