"""What a notebook shows of a widget where no browser draws it: words, and a still picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minseg.explore.base.widget import Widget


def alt_text(widget: Widget) -> str:
    """What is told of the picture; where not even that is shown, the widget's repr stands."""
    data, metadata = widget._repr_mimebundle_()
    assert data["text/plain"] == repr(widget)
    alt: str = metadata["image/png"]["alt"]
    return alt


@contextmanager
def redrawn(widget: Widget) -> Iterator[None]:
    """What is changed within it is seen in the picture."""
    before = widget.picture()
    yield
    assert before.startswith(b"\x89PNG") and widget.picture() != before
