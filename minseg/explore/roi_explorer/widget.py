"""The RoI explorer: drag a box over a photograph, watch RoI pooling snap and RoIAlign follow.

State lives in traits, so Python moves the box as a mouse does: `explorer.box = (40, 30, 95, 88)`.
The browser sends a question for each move, up to three at a time, and draws the answer; every
number in it comes from `numbers.py` beside this file, that is, from `minseg.roi`. Unit 21.
"""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from minseg.data import photo
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.values import Box, box_inside, finite
from minseg.explore.base.widget import Widget
from minseg.explore.roi_explorer.numbers import Settings, feature_map, numbers

SMALLEST = 1.0  # image pixels: the least width and height of the box
SWITCHES = ("stride", "output_size", "sampling_ratio", "aligned", "rounding", "inclusive")

CODE = """\
import torch
from minseg.data import photo
from minseg.explore.roi_explorer.numbers import feature_map
from minseg.roi import quantise_box, roi_align, roi_average, roi_pool

features = feature_map({image}, stride={stride})
roi = torch.tensor([[0.0, {box}]])  # image, x1, y1, x2, y2
align = roi_align(features, roi, {size}, 1 / {stride}, {ratio}, {aligned})
exact = roi_average(features, roi, {size}, 1 / {stride})
rounded = torch.cat([roi[:, :1], quantise_box(roi[:, 1:] / {stride}, "{rounding}"){ends}], dim=1)
pool = roi_pool(features, rounded, {size})
"""


class RoIExplorer(Widget):
    """The widget.

    Args:
        image: the name of a photograph (see `minseg.data.photo`) or (3, H, W) in [0, 1].
        **traits: any of those below, as `RoIExplorer(stride=8, aligned=False)`.

    Traits:
        box: (x1, y1, x2, y2) in image pixels, kept inside the image.
        point: (x, y) in image pixels, where the bilinear equation is written out.
        stride: 4, 8, 16 or 32. output_size: 1 to 7 bins a side. sampling_ratio: 0 (adaptive) to 4.
        aligned: RoIAlign's half pixel. rounding: RoI pooling's, "round" or "floor".
        inclusive: whether RoI pooling counts the last rounded pixel in, the "+ 1".
        backdrop: "photo" or "features". sweeping: whether the sweep is plotted.
        view: what the browser draws; made anew from the others whenever one of them changes.
        code: a few lines of Python that give the numbers on the screen.
    """

    _esm, _css = script("roi_explorer"), style("roi_explorer")

    size = t.Tuple().tag(sync=True)  # (height, width) of the image
    photo_png = t.Bytes().tag(sync=True)
    features_png = t.Bytes().tag(sync=True)
    box = t.Tuple().tag(sync=True)
    point = t.Tuple().tag(sync=True)
    stride = t.Enum((4, 8, 16, 32), 16).tag(sync=True)
    output_size = t.Int(3, min=1, max=7).tag(sync=True)
    sampling_ratio = t.Int(2, min=0, max=4).tag(sync=True)
    aligned = t.Bool(True).tag(sync=True)
    rounding = t.Enum(("round", "floor"), "round").tag(sync=True)
    inclusive = t.Bool(True).tag(sync=True)
    backdrop = t.Enum(("photo", "features"), "photo").tag(sync=True)
    sweeping = t.Bool(False).tag(sync=True)
    code = t.Unicode().tag(sync=True)

    def __init__(self, image: str | Tensor = "coins", **traits: Any) -> None:
        self.image = photo(image) if isinstance(image, str) else image
        if self.image.ndim != 3 or len(self.image) != 3:
            raise ValueError(f"image must be (3, H, W), got {tuple(self.image.shape)}")
        if not self.image.is_floating_point():
            raise TypeError(f"image must be floating point in [0, 1], got {self.image.dtype}")
        self._image_source = f'photo("{image}")' if isinstance(image, str) else "image"
        height, width = self.image.shape[1:]
        corners = 0.4905 * width, 0.562 * height, 0.6215 * width, 0.716 * height
        traits.setdefault("box", corners)
        super().__init__(size=(height, width), photo_png=to_png(self.image), **traits)
        if not self.point:
            x1, y1, x2, y2 = self.box
            self.point = (x1 + x2) / 2, (y1 + y2) / 2
        self._change_map()
        self._change_code()
        self.observe(self._change_map, ["stride"])  # before the view that shows the map
        self.observe(self._change_code, ["box", *SWITCHES])
        self._follow("box", "point", "sweeping", *SWITCHES)

    @property
    def settings(self) -> Settings:
        """The switches, as `numbers` takes them."""
        return Settings(*(getattr(self, name) for name in SWITCHES))

    @property
    def alt(self) -> str:
        errors = self.view["errors"]
        return (
            f"A box over a photograph on a feature grid of stride {self.stride}, the box as RoI "
            f"pooling rounds it, RoIAlign's sampling points, and both outputs: mean error against "
            f"the exact average {errors['pool']:.3f} for RoI pooling, {errors['align']:.3f} for "
            f"RoIAlign."
        )

    def picture(self) -> bytes:
        from minseg.explore.roi_explorer.still import picture

        return picture(self.image, self.box, self.view, self.stride)

    @t.validate("box")
    def _inside(self, proposal: dict[str, Any]) -> Box:
        return box_inside(finite("box", proposal["value"], 4), self.size, SMALLEST)

    @t.validate("point")
    def _finite_point(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        return finite("point", proposal["value"], 2)

    def answer(self, question: dict[str, Any]) -> None:
        """A new box, a new point, or both."""
        for name in ("box", "point"):
            if name in question:
                setattr(self, name, tuple(question[name]))

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(self.features, self.box, self.point, self.settings, self.sweeping)

    def _change_map(self, _change: object = None) -> None:
        self.features = feature_map(self.image, self.stride)
        self.features_png = to_png(self.features[0, 0])

    def _change_code(self, _change: object = None) -> None:
        self.code = CODE.format(
            image=self._image_source,
            stride=self.stride,
            box=", ".join(f"{v:.6g}" for v in self.box),
            size=self.output_size,
            ratio=self.sampling_ratio,
            aligned=self.aligned,
            rounding=self.rounding,
            ends="" if self.inclusive else " - torch.tensor([0, 0, 1, 1])",
        )
