"""Instances: a set of masks, each with a class and a score, as instance segmentation answers.

    {(M_i, c_i, s_i)},  i = 1 … N,   M_i ∈ {0,1}^(H×W),   c_i a category,   s_i a confidence

The set has no order, N differs from image to image, and N = 0 is a legal answer. Nothing says that
masks are disjoint: that is a rule of *panoptic* segmentation (Kirillov et al., Panoptic
Segmentation, 2019, section 3), and `is_disjoint` tells whether a set happens to obey it.

Every model of the course predicts `Instances` and every metric reads them. Unit 10 builds them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.precision import exact_device


class Instances:
    """Masks, labels and scores of the instances of one image.

    Args:
        masks: (N, H, W) bool.
        labels: (N,) int64, category ids, not negative.
        scores: (N,) floating point and finite; ones if left out, as for ground truth.
        crowd: (N,) bool, true where a mask covers a group whose members were not told apart; no
            crowds if left out.
        areas: (N,) floating point, in pixels, as annotated (kept in `annotated_areas`, else None);
            counted from the masks if left out.

    Raises:
        TypeError: if a field is not a tensor or has the wrong dtype.
        ValueError: if a field has the wrong shape, a score is not finite, a label is negative, or
            the fields lie on different devices. The message names the field and what it got.

    >>> masks = torch.zeros(2, 4, 6, dtype=torch.bool)
    >>> masks[0, 1:3, 1:5], masks[1, 2:, 3:] = True, True
    >>> instances = Instances(masks, torch.tensor([7, 3]), torch.tensor([0.9, 0.4]))
    >>> instances
    Instances(2 of 4×6, labels [7, 3])
    >>> instances.areas, instances.overlaps().tolist(), instances[instances.scores > 0.5]
    (tensor([8., 6.]), [[0, 2], [2, 0]], Instances(1 of 4×6, labels [7]))
    """

    def __init__(
        self,
        masks: Tensor,
        labels: Tensor,
        scores: Tensor | None = None,
        *,
        crowd: Tensor | None = None,
        areas: Tensor | None = None,
    ) -> None:
        _check_tensor("masks", masks)
        if masks.ndim != 3:
            raise ValueError(f"masks must be (N, H, W), got {tuple(masks.shape)}")
        if masks.dtype != torch.bool:
            raise TypeError(f"masks must be bool, got {masks.dtype}: threshold them, `masks > 0.5`")
        n, device = len(masks), masks.device
        self.masks = masks
        self.labels = _check_field("labels", labels, n, device)
        self.scores = torch.ones(n, device=device) if scores is None else scores
        self.crowd = torch.zeros(n, dtype=torch.bool, device=device) if crowd is None else crowd
        self.annotated_areas = areas
        self._check_values()

    def _check_values(self) -> None:
        n, device = len(self.masks), self.masks.device
        if self.labels.dtype != torch.int64:
            raise TypeError(f"labels must be int64, got {self.labels.dtype}")
        if (self.labels < 0).any():
            raise ValueError(f"labels must not be negative, got {self.labels.min().item()}")
        _check_field("scores", self.scores, n, device)
        if not self.scores.is_floating_point():
            raise TypeError(f"scores must be floating point, got {self.scores.dtype}")
        if not self.scores.isfinite().all():
            raise ValueError(f"scores must be finite, got {self.scores.tolist()}")
        _check_field("crowd", self.crowd, n, device)
        if self.crowd.dtype != torch.bool:
            raise TypeError(f"crowd must be bool, got {self.crowd.dtype}")
        if self.annotated_areas is not None:
            _check_field("areas", self.annotated_areas, n, device)
            if not self.annotated_areas.is_floating_point():
                raise TypeError(f"areas must be floating point, got {self.annotated_areas.dtype}")

    def __len__(self) -> int:
        return len(self.masks)

    def __repr__(self) -> str:
        n, height, width = self.masks.shape
        return f"Instances({n} of {height}×{width}, labels {self.labels.tolist()})"

    def __getitem__(self, index: int | slice | Tensor | list[int]) -> Instances:
        """The instances picked by a number, a slice, a bool mask or a list of numbers."""
        if isinstance(index, int):
            index = [index]
        areas = self.annotated_areas
        return Instances(
            self.masks[index],
            self.labels[index],
            self.scores[index],
            crowd=self.crowd[index],
            areas=None if areas is None else areas[index],
        )

    def to(self, device: torch.device | str) -> Instances:
        """The same instances on another device; numbers in float32 where it has no float64."""
        areas = self.annotated_areas
        return Instances(
            self.masks.to(device),
            self.labels.to(device),
            _moved(self.scores, device),
            crowd=self.crowd.to(device),
            areas=None if areas is None else _moved(areas, device),
        )

    @property
    def areas(self) -> Tensor:
        """(N,) float, pixels: as annotated, else counted from the masks."""
        if self.annotated_areas is not None:
            return self.annotated_areas
        areas = torch.zeros(len(self), device=self.masks.device)
        for k, mask in enumerate(self.masks):  # over two axes at once it makes 8 bytes of each bool
            areas[k] = mask.count_nonzero()
        return areas

    @property
    def boxes(self) -> Tensor:
        """(N, 4) float, the tight box of each mask, see `tight_boxes`."""
        return tight_boxes(self.masks)

    def overlaps(self) -> Tensor:
        """(N, N) int64: how many pixels each pair of masks shares; zero on the diagonal."""
        # double counts exactly, far beyond any image
        flat = self.masks.flatten(1).to(exact_device(self.masks.device)).double()
        shared = (flat @ flat.T).long().to(self.masks.device)
        return shared.fill_diagonal_(0)

    def is_disjoint(self) -> bool:
        """Whether no pixel belongs to two masks."""
        return not bool((self.masks.sum(dim=0) > 1).any())


def _moved(numbers: Tensor, device: torch.device | str) -> Tensor:
    """Apple's GPUs have no double, which files' scores and areas are."""
    single = torch.device(device).type == "mps" and numbers.dtype == torch.float64
    return (numbers.float() if single else numbers).to(device)


def tight_boxes_loop(masks: Tensor) -> Tensor:
    """The definition, mask by mask: slow, and meant to be read. See `tight_boxes`."""
    boxes = torch.zeros(len(masks), 4)
    for n, mask in enumerate(masks):
        rows, columns = mask.nonzero(as_tuple=True)
        if len(rows):
            corners = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes[n] = torch.stack(corners)
    return boxes


def tight_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each mask.

    Pixel (i, j) covers [j, j+1) × [i, i+1), so a mask of one pixel has a box of area 1. The library
    call is `torchvision.ops.masks_to_boxes`, whose x2 and y2 name the last pixel, one less.

    Args:
        masks: (N, H, W) bool.

    Returns:
        (N, 4) floating point, (x1, y1, x2, y2); zeros for an empty mask.

    >>> mask = torch.zeros(1, 4, 6, dtype=torch.bool)
    >>> mask[0, 1:3, 2] = True
    >>> tight_boxes(mask).tolist()
    [[2.0, 1.0, 3.0, 3.0]]
    """
    x1, x2 = _extent(_any(masks, 1))  # the columns that a mask occupies
    y1, y2 = _extent(_any(masks, 2))  # the rows
    return torch.stack([x1, y1, x2, y2], dim=1).to(torch.get_default_dtype())


def _any(masks: Tensor, dim: int) -> Tensor:
    """`masks.any(dim)`; the largest byte is found ten times as fast, but needs one to be there."""
    return masks.view(torch.uint8).amax(dim).bool() if masks.numel() else masks.any(dim)


def _extent(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """First and one past last true position in each row of (N, L); (0, 0) for a row without."""
    n, length = occupied.shape
    if length == 0:
        zero = torch.zeros(n, dtype=torch.int64, device=occupied.device)
        return zero, zero
    position = torch.arange(length, device=occupied.device)
    first = torch.where(occupied, position, length).amin(dim=1)
    last = torch.where(occupied, position + 1, 0).amax(dim=1)
    return torch.where(last > 0, first, 0), last


def _check_tensor(name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")


def _check_field(name: str, value: Tensor, n: int, device: torch.device) -> Tensor:
    _check_tensor(name, value)
    if value.shape != (n,):
        raise ValueError(f"{name} must be ({n},), one for each mask, got {tuple(value.shape)}")
    if value.device != device:
        raise ValueError(f"{name} must be on {device} as the masks are, got {value.device}")
    return value
