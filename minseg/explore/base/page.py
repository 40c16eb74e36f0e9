"""The script and the style of a widget: what all pages share, then the widget's own file.

anywidget takes one JavaScript module and one style sheet for each widget, as text, and there is no
build step. So files are put one after the other, as they are: `page.js` of this folder, `shapes.js`
where a board asks for it, and the widget's own `page.js` last.
"""

from __future__ import annotations

from pathlib import Path

EXPLORE = Path(__file__).parent.parent
BASE = EXPLORE / "base"


def script(name: str, *shared: str) -> str:
    """The module of the widget `name`: base/page.js, others of base by name, `<name>/page.js`."""
    return _joined(BASE / "page.js", *_named(shared, "js"), EXPLORE / name / "page.js")


def style(name: str, *shared: str) -> str:
    """The style sheet of the widget `name`: base/style.css, others of base, `<name>/style.css`."""
    return _joined(BASE / "style.css", *_named(shared, "css"), EXPLORE / name / "style.css")


def _named(shared: tuple[str, ...], kind: str) -> list[Path]:
    return [BASE / f"{one}.{kind}" for one in shared]


def _joined(*files: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
