"""The band of boundary IoU: numbers of the metrics, a picture that follows."""

import math

import pytest
import torch

from minseg.data import coins_truth
from minseg.explore.boundary_band.widget import PREDICTIONS, BoundaryBand, moved
from minseg.metrics import boundary_iou, mask_iou

COIN = coins_truth().masks[9, 98:150, 178:232]


@pytest.mark.parametrize("width", [1, 3, 6, 24])
@pytest.mark.parametrize("name", list(PREDICTIONS))
def test_numbers_are_those_of_the_metrics(name: str, width: int) -> None:
    widget = BoundaryBand(COIN, width=width)
    widget.choice.value = name
    pair = COIN[None], PREDICTIONS[name](COIN)[None]
    ratio = width / math.hypot(*COIN.shape)
    assert widget.iou == mask_iou(*pair).item()
    assert widget.boundary_iou == boundary_iou(*pair, dilation_ratio=ratio).item()
    assert f"boundary IoU {widget.boundary_iou:.3f}" in widget.numbers.value


def test_a_rim_as_wide_as_the_band_hides_the_hole() -> None:
    widget = BoundaryBand(COIN, width=6)
    widget.choice.value = "hollow, a rim of 6 px"
    assert widget.boundary_iou == 1 and "the smaller counts: 0.651" in widget.alt
    widget.slider.value = 5
    assert widget.boundary_iou < 1


def test_picture_follows_both_controls() -> None:
    widget = BoundaryBand(COIN)
    seen = [bytes(widget.image.value)]
    widget.slider.value = 9
    seen.append(bytes(widget.image.value))
    widget.choice.value = "2 px too small"
    seen.append(bytes(widget.image.value))
    assert len(set(seen)) == 3 and all(png.startswith(b"\x89PNG") for png in seen)
    data, metadata = widget._repr_mimebundle_()
    assert "Band 9 px" in metadata["image/png"]["alt"] and data["text/plain"] == repr(widget)


def test_moved_loses_what_leaves_the_image() -> None:
    row = torch.tensor([[True, False, True]])
    assert moved(row, 1).tolist() == [[False, True, False]]


def test_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match=r"truth must be \(H, W\) bool, got \(1, 52, 54\)"):
        BoundaryBand(COIN[None])


def test_a_name_with_dollar_signs_is_no_formula():
    masks = torch.ones(8, 8, dtype=torch.bool)
    band = BoundaryBand(masks, {r"$\href$": torch.clone})
    assert band.picture().startswith(b"\x89PNG")
