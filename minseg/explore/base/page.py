"""The script and the style of a widget: what all pages share, then the widget's own file.

anywidget takes one JavaScript module and one style sheet for each widget, as text, and there is no
build step. So two files are put one after the other, as they are.
"""

from __future__ import annotations

from pathlib import Path

EXPLORE = Path(__file__).parent.parent


def script(name: str) -> str:
    """The module of the widget `name`: base/page.js, then `<name>/page.js`."""
    return _joined(name, "page.js")


def style(name: str) -> str:
    """The style sheet of the widget `name`: base/style.css, then `<name>/style.css`."""
    return _joined(name, "style.css")


def _joined(name: str, file: str) -> str:
    return "\n".join(
        (EXPLORE / folder / file).read_text(encoding="utf-8") for folder in ("base", name)
    )
