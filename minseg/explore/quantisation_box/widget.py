"""A box to drag across the feature grid: each rounding step's error, and all errors met so far.

Step 1 rounds the box's corner to the grid. Step 2, as in RoI pooling, cuts the box into 2 × 2 bins:
the middle line lies half a box beyond the *rounded* corner, and is rounded again. The histogram
collects the total error of both axes and fills up to the exact density of
`minseg.roi.quantisation`. All arithmetic is here; the browser only draws. Unit 20 uses it.
"""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t
from torch import Tensor

from minseg.explore.base.page import script, style
from minseg.explore.base.values import Box, box_inside, finite
from minseg.explore.base.widget import Widget
from minseg.roi.quantisation import (
    error_density,
    error_distribution,
    error_statistics,
    expected_error,
    rounding_error,
)

IMAGE = 256  # image pixels, a multiple of every stride
SMALLEST = 8.0  # image pixels: the least width and height of the box
BINS = 10  # histogram bars a feature pixel


class QuantisationBox(Widget):
    """The widget. Every setting is a trait: `QuantisationBox(stride=8, second="floor")`.

    Traits:
        box: (x1, y1, x2, y2) in image pixels, within an image of 256 × 256.
        stride: 4, 8, 16 or 32. first, second: "floor" or "round"; `second` may be "none".
        view: what the browser draws, made anew from the others whenever one of them changes.
    """

    _esm, _css = script("quantisation_box"), style("quantisation_box")
    alt = (
        "A box on a feature grid, the same box after rounding, a table of the error of each step, "
        "and a histogram of the errors met so far under their exact density."
    )

    box = t.Tuple(default_value=(37.0, 70.6, 149.4, 180.2)).tag(sync=True)
    stride = t.Enum((4, 8, 16, 32), 16).tag(sync=True)
    first = t.Enum(("floor", "round"), "floor").tag(sync=True)
    second = t.Enum(("none", "floor", "round"), "none").tag(sync=True)

    def __init__(self, *, seed: int = 0, **traits: Any) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self.errors = torch.zeros(0, dtype=torch.float64)  # totals met so far, in feature pixels
        super().__init__(**traits)
        self._meet_present()
        self.observe(self._meet_present, ["box", "stride"])
        self.observe(self.clear, ["first", "second"])  # another law: start a new histogram
        self._follow("box", "stride")

    @property
    def steps(self) -> tuple[str, ...]:
        """The rounding steps in order, as `expected_error` takes them."""
        return (self.first,) if self.second == "none" else (self.first, self.second)

    def drop(self, count: int) -> None:
        """Let `count` boxes of random place and size fall on the grid, and keep the last one."""
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        # corners spread over 96 px, half sides over 64: whole cells at every stride, so no bias
        random = torch.rand(2, count, 2, generator=self._generator, dtype=torch.float64)
        corner, side = 96 * random[0], 32 + 128 * random[1]
        boxes = torch.cat([corner, corner + side], dim=1)
        self._meet(boxes[:-1])
        self.box = tuple(boxes[-1].tolist())  # which meets the last

    def clear(self, _change: object = None) -> None:
        """Forget the errors met so far, but for that of the present box."""
        self.errors = self.errors[:0]
        self._meet_present()
        self._look()

    def step_errors(self, boxes: Tensor) -> Tensor:
        """(steps, N, 2) errors in x and y that each step leaves on boxes (N, 4), feature pixels."""
        corner, size = boxes[:, :2] / self.stride, (boxes[:, 2:] - boxes[:, :2]) / self.stride
        errors = [rounding_error(corner, rounding=self.first)]
        if self.second != "none":
            middle = corner - errors[0] + size / 2  # from the rounded corner, exactly half a box on
            errors.append(rounding_error(middle, rounding=self.second))
        return torch.stack(errors)

    def picture(self) -> bytes:
        from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, figure, png

        fig, (grid, bars) = figure(columns=2, height=320)
        draw_grid(grid, IMAGE, IMAGE, self.stride)
        draw_boxes(grid, torch.tensor([self.box]), colour=ALIGN_COLOUR)
        draw_boxes(grid, torch.tensor([self.view["rounded"]]), colour=POOL_COLOUR)
        grid.set(aspect="equal", title=f"Stride {self.stride}: the box and the rounded box")
        edges, density = error_distribution(self.steps, bins_per_pixel=BINS)
        bars.stairs(self.view["bars"], edges.numpy(), fill=True, color=POOL_COLOUR, alpha=0.5)
        bars.stairs(density.numpy(), edges.numpy(), color="black", baseline=None)
        bars.set(ylim=(0, 1.7 * density.max().item()), xlabel="error, feature px")
        bars.set_title("Errors met so far, and their exact density")
        return png(fig)

    @t.validate("box")
    def _inside(self, proposal: dict[str, Any]) -> Box:
        return box_inside(finite("box", proposal["value"], 4), (IMAGE, IMAGE), SMALLEST)

    def answer(self, question: dict[str, Any]) -> None:
        """A new place, or a wish."""
        if "box" in question:
            self.box = tuple(question["box"])
        elif "drop" in question:
            self.drop(min(int(question["drop"]), 10_000))
        elif "clear" in question:
            self.clear()

    def make_view(self) -> dict[str, Any]:
        box = torch.tensor([self.box], dtype=torch.float64)
        errors = self.step_errors(box)[:, 0]  # (steps, 2)
        rounded = box[0] - rounding_error(box[0], self.stride, self.first)
        middle, landed, table = [], [], self._table(errors)
        if len(errors) == 2:
            centre = (box[0, :2] + box[0, 2:]) / 2
            middle = centre.tolist()
            landed = (centre - self.stride * errors.sum(dim=0)).tolist()
        name, *_, x, y = table[-1]
        return {
            "rounded": rounded.tolist(),
            "middle": middle,
            "landed": landed,
            "table": table,
            "spoken": f"{name}: error {x} in x and {y} in y, image pixels",
            **self._histogram(),
        }

    def _meet(self, boxes: Tensor) -> None:
        self.errors = torch.cat([self.errors, self.step_errors(boxes).sum(dim=0).flatten()])

    def _meet_present(self, _change: object = None) -> None:
        self._meet(torch.tensor([self.box], dtype=torch.float64))

    def _table(self, errors: Tensor) -> list[list[str]]:
        """Rows of a name and the errors in x and y, in feature and in image pixels."""
        names = ["step 1, corner", "step 2, middle line"][: len(errors)]
        rows = list(errors)
        if len(rows) == 2:
            names, rows = [*names, "both steps"], [*rows, errors.sum(dim=0)]
        return [
            [name, *(f"{v:.2f}" for v in row), *(f"{v:.1f}" for v in row * self.stride)]
            for name, row in zip(names, rows, strict=True)
        ]

    def _histogram(self) -> dict[str, Any]:
        edges, _ = error_distribution(self.steps, bins_per_pixel=BINS)
        line = torch.linspace(edges[0].item(), edges[-1].item() - 1e-9, 81, dtype=torch.float64)
        met, exact = error_statistics(self.errors), expected_error(self.steps)
        ticks = torch.arange(edges[0].item(), edges[-1].item() + 0.1, 0.5)
        return {
            "bars": torch.histogram(self.errors, bins=edges, density=True).hist.tolist(),
            "curve": error_density(line, self.steps).tolist(),
            "ticks": [[f"{v:g}", f"{v * self.stride:g}"] for v in ticks.tolist()],
            "facts": f"{len(self.errors)} errors met: mean {met.mean:.2f}, SD {met.sd:.2f}; "
            f"closed form: mean {exact.mean:.2f}, SD {exact.sd:.2f} feature px",
        }
