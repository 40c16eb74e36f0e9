"""A slider for the width of boundary IoU's band, and predictions that are wrong in different ways.

Mask IoU has no such setting and stays where it is; boundary IoU goes from 0 or nearly so, where the
band is one pixel wide, to mask IoU, where it fills both masks. Unit 32 uses it on a coin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from minseg.explore.base.png import to_png
from minseg.explore.base.widget import Still
from minseg.metrics.boundary import erode
from minseg.metrics.iou import mask_iou

SCREEN = 600  # screen pixels, about the width of the picture
COLOURS = {  # what is painted later lies on top
    "inside": (214, 214, 214),
    "truth": (0, 80, 200),
    "prediction": (213, 94, 0),
    "both": (0, 128, 100),
}
WORDS = {
    "both": "in both bands",
    "truth": "only in the truth's band",
    "prediction": "only in the prediction's band",
    "inside": "in a mask, but in no band",
}


def moved(mask: Tensor, dx: int) -> Tensor:
    """(H, W) moved to the right by dx pixels; what leaves the image is lost.

    >>> moved(torch.tensor([[True, False, True]]), 1).tolist()
    [[False, True, False]]
    """
    out = torch.zeros_like(mask)
    out[:, dx:] = mask[:, : mask.shape[1] - dx]
    return out


PREDICTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "2 px moved": lambda mask: moved(mask, 2),
    "2 px too small": lambda mask: erode(mask, 2),
    "hollow, a rim of 6 px": lambda mask: mask & ~erode(mask, 6),
    "the truth": lambda mask: mask.clone(),
}


class BoundaryBand(Still, ipywidgets.VBox):
    """The widget.

    Args:
        truth: (H, W) bool.
        predictions: name → function of the truth that gives a prediction; the four above if left
            out.
        width: of the band, in pixels, at first.
    """

    def __init__(
        self,
        truth: Tensor,
        predictions: Mapping[str, Callable[[Tensor], Tensor]] = PREDICTIONS,
        width: int = 3,
    ) -> None:
        if truth.ndim != 2 or truth.dtype != torch.bool:
            raise ValueError(f"truth must be (H, W) bool, got {tuple(truth.shape)} {truth.dtype}")
        self.truth = truth
        self.predictions = {name: make(truth) for name, make in predictions.items()}
        self.slider = ipywidgets.IntSlider(width, 1, 24, description="band, px")
        self.choice = ipywidgets.Dropdown(options=list(predictions), description="prediction")
        self.numbers = ipywidgets.HTML()
        self._zoom = max(round(SCREEN / truth.shape[1]), 1)  # whole, so that pixels stay squares
        self.image = ipywidgets.Image(
            format="png",
            layout={
                "width": f"{self._zoom * truth.shape[1]}px",
                "max_width": "100%",
                "align_self": "flex-start",
            },
        )
        controls = ipywidgets.HBox([self.choice, self.slider], layout={"flex_flow": "row wrap"})
        super().__init__([controls, self.numbers, self.image])
        for control in (self.slider, self.choice):
            control.observe(self._draw, "value")
        self._draw()

    @property
    def prediction(self) -> Tensor:
        """(H, W) bool, the chosen one."""
        return self.predictions[str(self.choice.value)]

    @property
    def iou(self) -> float:
        """Mask IoU."""
        return mask_iou(self.truth[None], self.prediction[None]).item()

    @property
    def boundary_iou(self) -> float:
        """IoU of the two bands."""
        return mask_iou(*(band[None] for band in self._bands())).item()

    @property
    def alt(self) -> str:
        return f"A mask and a prediction with their inner bands. {self._facts()}"

    def picture(self) -> bytes:
        from minseg.explore.boundary_band.still import picture  # matplotlib

        iou = f"Mask IoU {self.iou:.3f}, boundary IoU {self.boundary_iou:.3f}"
        title = f"Prediction: {self.choice.value}. Band: {self.slider.value} px\n{iou}"
        key = {words: COLOURS[name] for name, words in WORDS.items()}
        return picture(self.canvas(), title, key)

    def canvas(self) -> Tensor:
        """(H, W, 3) uint8: the masks, and on them the two bands, in `COLOURS` on white."""
        truth, prediction = self._bands()
        parts = {
            "inside": self.truth | self.prediction,
            "truth": truth,
            "prediction": prediction,
            "both": truth & prediction,
        }
        canvas = torch.full((*self.truth.shape, 3), 255, dtype=torch.uint8)
        for name, colour in COLOURS.items():
            canvas[parts[name]] = torch.tensor(colour, dtype=torch.uint8)
        return canvas

    def _bands(self) -> tuple[Tensor, Tensor]:
        """The inner bands of both masks, as `boundary_of` has them, with a width in pixels."""
        width = self.slider.value
        return (
            self.truth & ~erode(self.truth, width),
            self.prediction & ~erode(self.prediction, width),
        )

    def _facts(self) -> str:
        return (
            f"Prediction: {self.choice.value}. Band {self.slider.value} px: "
            f"mask IoU {self.iou:.3f}, boundary IoU {self.boundary_iou:.3f}, "
            f"the smaller counts: {min(self.iou, self.boundary_iou):.3f}."
        )

    def _draw(self, _change: Any = None) -> None:
        key = " ".join(_swatch(name) for name in WORDS)
        self.numbers.value = f"{escape(self._facts())}<br>{key}"  # names of predictions are in it
        large = self.canvas().repeat_interleave(self._zoom, 0).repeat_interleave(self._zoom, 1)
        self.image.value = to_png(large.permute(2, 0, 1))


def _swatch(name: str) -> str:
    """An entry of the legend: a square of the colour, and words."""
    square = f"display:inline-block;width:12px;height:12px;background:rgb{COLOURS[name]}"
    words = f'<span style="margin:0 14px 0 5px">{WORDS[name]}</span>'
    return f'<span style="white-space:nowrap"><span style="{square}"></span>{words}</span>'
