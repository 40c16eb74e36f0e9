"""The base of every widget: it answers the browser's questions, and leaves a picture behind.

State lives in traits, so Python moves a box as a mouse does: `explorer.box = (40, 30, 95, 88)`.
All that the page draws is one trait, `view`, made anew whenever another one changes:

    browser   the pointer moves: `ask({box})` in base/page.js sends a message with a number n
    Python    `answer` sets traits, `make_view` computes what is to be drawn, `view` goes back with
              answers = n
    browser   `drawOnChange` draws it

Each question gets exactly one new `view`, whatever it changes: the browser counts on that.

GitHub, nbconvert, a web book and a notebook that was only opened, not run, cannot show a live
widget. `Still` adds a PNG with alt text and one fixed line of text to what Jupyter displays, so
each of them shows a picture instead of nothing. In JupyterLab with a kernel the live view wins.
"""

from __future__ import annotations

import base64
from typing import Any

import anywidget
import traitlets as t


class Still:
    """Mixin for classes of ipywidgets: `class MyWidget(Still, ipywidgets.VBox)`.

    The class gives `alt`, what the picture shows in one sentence, and `picture()`.
    """

    @property
    def alt(self) -> str:
        """What the picture shows, in a sentence or two."""
        return "An interactive widget."

    def picture(self) -> bytes:
        """The widget's present state as a PNG file."""
        raise NotImplementedError(f"{type(self).__name__} must draw its picture()")

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.alt}"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]  # of ipywidgets
        data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        still = base64.b64encode(self.picture()).decode("ascii")
        return (
            {**data, "image/png": still, "text/plain": repr(self)},
            {**metadata, "image/png": {"alt": self.alt}},
        )


class Widget(Still, anywidget.AnyWidget):
    """A widget with a page of its own.

    A class gives its traits, `make_view`, `answer`, `alt` and `picture`, and calls `_follow` at the
    end of its `__init__`. Its `_esm` and `_css` are those of `minseg.explore.base.page`.

    Traits:
        view: what the browser draws: plain lists, numbers and texts, `facts` among them, the
            sentence that a screen reader speaks. Two numbers are added to what `make_view` returns:
            `answers`, the question that is answered, -1 if there was none; `drawn`, how many views
            there have been.
    """

    view = t.Dict().tag(sync=True)

    _answering = False  # while `answer` sets one trait after the other

    def make_view(self) -> dict[str, Any]:
        """What the browser draws of the present traits."""
        raise NotImplementedError(f"{type(self).__name__} must compute its make_view()")

    def answer(self, question: dict[str, Any]) -> None:
        """Set what the browser has moved or wished for."""
        raise NotImplementedError(f"{type(self).__name__} must take questions in answer()")

    def _follow(self, *traits: str) -> None:
        """From now on: answer questions, and make `view` anew when one of the traits changes."""
        if traits:  # of none, traitlets would observe all
            self.observe(self._look, list(traits))
        self.on_msg(self._asked)
        self._look()

    def _look(self, _change: object = None) -> None:
        """Make `view` anew; while a question is answered that is done once, at the end of it."""
        if not self._answering:
            self._show(answers=-1)

    def _asked(self, _widget: object, question: dict[str, Any], _buffers: object) -> None:
        if "n" not in question:
            return  # a nudge, see base/page.js
        with self.hold_sync():  # traits and view go back in one message
            self._answering = True
            try:
                self.answer(question)
            finally:  # what is refused gets its view, too: the browser waits for one
                self._answering = False
                self._show(answers=question["n"])

    def _show(self, answers: int) -> None:
        drawn = self.view.get("drawn", 0) + 1
        self.view = {**self.make_view(), "answers": answers, "drawn": drawn}
