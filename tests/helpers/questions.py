"""What a browser's page does to a widget, without a browser: it sends messages."""

from __future__ import annotations

from typing import Any

from minseg.explore.base.widget import Widget


def ask(widget: Widget, *, n: int = 7, **question: Any) -> None:
    """A question, answered by one view whose `answers` is n."""
    widget._handle_custom_msg({**question, "n": n}, [])


def nudge(widget: Widget) -> None:
    """The empty message that follows a lone question and asks for nothing."""
    widget._handle_custom_msg({}, [])
