"""The loss while a model trains, drawn as it falls.

    curve = LossCurve()
    display(curve)                       # in a cell
    train(model, scenes, seconds=60, on_step=curve)

Each step's loss is noisy: its batch may be an easy one. So the steps are drawn pale, and over them
their running mean m ← 0.95 m + 0.05 L, started at the first loss. A picture takes about as long as
half a step of training, so at most 3 % of the time is spent on pictures. Unit 42.
"""

from __future__ import annotations

from time import perf_counter

import ipywidgets

from minseg.draw import ALIGN_COLOUR, figure, png
from minseg.explore.base.widget import Still
from minseg.train.log import Row

MEMORY = 0.95  # of the running mean
SHARE = 0.03  # of the time, at most, is spent on pictures


class LossCurve(Still, ipywidgets.Image):
    """The widget; call it with each row that `minseg.train.train` gives to `on_step`.

    Args:
        name: which number of the row to draw.
        steps: the width of the picture in steps; as many as there are if left out.
    """

    alt = "The loss of each step and its running mean, while training goes on."

    def __init__(self, name: str = "loss", *, steps: int | None = None) -> None:
        self.name, self.steps = name, steps
        self.points: list[tuple[float, float]] = []  # (step, loss)
        self.mean: list[float] = []
        self._next = 0.0  # when the next picture may be drawn
        super().__init__(format="png", width=600, value=self.picture())

    def __call__(self, row: Row) -> None:
        """Take in a step; draw if the last picture is old enough, and at the last step."""
        loss = row[self.name]
        before = self.mean[-1] if self.mean else loss
        self.points.append((row["step"], loss))
        self.mean.append(MEMORY * before + (1 - MEMORY) * loss)
        if perf_counter() >= self._next or row["step"] == self.steps:
            began = perf_counter()
            self.value = self.picture()
            now = perf_counter()
            self._next = now + max(0.5, (now - began) / SHARE)

    def picture(self) -> bytes:
        """The curve so far as a PNG file."""
        fig, ax = figure(width=600, height=260 if self.points else 85)
        if self.points:
            steps, losses = zip(*self.points, strict=True)
            ax.plot(steps, losses, color=ALIGN_COLOUR, alpha=0.25, linewidth=1)
            ax.plot(steps, self.mean, color=ALIGN_COLOUR, linewidth=2)
            ax.set_ylim(0, 1.05 * max(self.mean))
            ax.set_title(f"{self.name}, running mean {self.mean[-1]:.3f} at step {steps[-1]}")
        else:
            ax.set_title(f"{self.name}: drawn here, while training goes on")
            ax.set_yticks([])
        ax.set_xlim(0, self.steps or max(len(self.points), 1))
        ax.set_xlabel("step")
        return png(fig)
