"""The segmenter: a photograph, the masks that a trained network finds in it, a threshold to drag.

It opens the course: what goes in, what comes out, and the one number that whoever uses a network
has to choose. The network is the one of `load_coins`, which knows coins and nothing else. State
lives in traits: `segmenter.threshold = 0.9; segmenter.photo = "coins, noisy"`. Unit 00.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import traitlets as t
from torch import Tensor

from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.widget import Widget
from minseg.explore.segmenter.numbers import (
    COINS,
    OWN,
    Look,
    drawing,
    look_at,
    numbers,
    photos,
)
from minseg.models import MaskRCNN, load_coins


class Segmenter(Widget):
    """The widget: `Segmenter(photo="coins, noisy", threshold=0.3)`.

    Args:
        own: (3, H, W) RGB in [0, 1], a picture of your own, which is then shown first; None to do
            without.
        model: a `MaskRCNN` on the CPU; the one of `load_coins` if left out.

    Traits:
        photo: one of `names`.
        threshold: 0 to 1, the lowest score that is shown.
        view: what the browser draws; made anew whenever one of the others changes.

    Raises:
        ValueError: if `own` is not (3, H, W).
        TraitError: if there is no such photo, or the threshold does not lie between 0 and 1.
    """

    _esm, _css = script("segmenter"), style("segmenter")

    names = t.Tuple().tag(sync=True)
    colours: t.List[str] = t.List().tag(sync=True)
    shapes = t.Dict().tag(sync=True)  # of the photo that is shown: size, known, all parts
    image_png = t.Bytes().tag(sync=True)
    photo = t.Unicode(COINS).tag(sync=True)
    threshold = t.Float(0.5).tag(sync=True)

    def __init__(
        self, own: Tensor | None = None, *, model: MaskRCNN | None = None, **traits: Any
    ) -> None:
        from minseg.draw import INSTANCE_COLOURS

        if own is not None and (own.ndim != 3 or len(own) != 3):
            raise ValueError(f"own must be a picture (3, H, W), got {tuple(own.shape)}")
        self._model = load_coins() if model is None else model
        self._photos = photos(own)
        self._looks: dict[str, Look] = {}
        traits.setdefault("photo", COINS if own is None else OWN)
        super().__init__(names=tuple(self._photos), colours=INSTANCE_COLOURS, **traits)
        self.observe(self._another_photo, ["photo"])
        self._another_photo()
        self._follow("threshold")

    @property
    def look(self) -> Look:
        """What the network sees in the present photo; it is asked once for each."""
        if self.photo not in self._looks:
            self._looks[self.photo] = look_at(self._model, *self._photos[self.photo])
        return self._looks[self.photo]

    def __repr__(self) -> str:
        """The same on every machine, whatever the network finds there."""
        return f"Segmenter: “{self.photo}”, masks with a score of at least {self.threshold:.2f}."

    @property
    def alt(self) -> str:
        return (
            f"A photograph, “{self.photo}”, with the masks and boxes that a network found in it, "
            f"beside a histogram of their scores. {self.view['facts']}."
        )

    def picture(self) -> bytes:
        from minseg.draw import png
        from minseg.explore.segmenter.still import draw_look

        return png(draw_look(self.look, self.threshold))

    @t.validate("photo")
    def _exists(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self._photos:
            names = ", ".join(map(repr, self._photos))
            raise t.TraitError(f"photo must be one of {names}, got {proposal['value']!r}")
        return str(proposal["value"])

    @t.validate("threshold")
    def _in_range(self, proposal: dict[str, Any]) -> float:
        value = float(proposal["value"])
        if not (isfinite(value) and 0 <= value <= 1):
            raise t.TraitError(f"threshold must lie between 0 and 1, got {value}")
        return value

    def answer(self, question: dict[str, Any]) -> None:
        """The threshold was dragged."""
        self.threshold = min(max(float(question["threshold"]), 0.0), 1.0)

    def make_view(self) -> dict[str, Any]:
        return numbers(self.look, self.threshold)

    @one_thread()
    def _another_photo(self, change: object = None) -> None:
        """Send another image with its parts, and then what is shown of them."""
        look = self.look
        known, size = look.truth is not None, tuple(look.image.shape[1:])
        with self.hold_sync():  # in one message: parts of one photo never meet another's
            self.image_png = to_png(look.image)
            self.shapes = {"size": size, "known": known, "parts": drawing(look)}
            if change is not None:
                self._look()
