"""The script of a widget: what all pages share (`page.js`), then the widget's own file.

anywidget takes one JavaScript module a widget, as text, and there is no build step. So the two
files are put one after the other, as they are.
"""

from __future__ import annotations

from pathlib import Path

EXPLORE = Path(__file__).parent.parent


def script(name: str) -> str:
    """The module of the widget `name`: base/page.js, then `<name>/page.js`."""
    return "\n".join(
        (EXPLORE / folder / "page.js").read_text(encoding="utf-8") for folder in ("base", name)
    )
