"""Put a card or a table on the page: markdown in a notebook, plain text in a terminal.

Markdown, not HTML: a front end styles it for its light and its dark theme, and a notebook's stored
output stays short enough to compare word for word.
"""

from __future__ import annotations

import sys


def show_markdown(markdown: str, plain: str) -> None:
    """Display `markdown` where there is a notebook front end, print `plain` where there is none."""
    ipython = sys.modules.get("IPython")  # never imported for a plain script
    if ipython is None or ipython.get_ipython() is None:
        print(plain)
        return
    from IPython.display import display

    display({"text/markdown": markdown, "text/plain": plain}, raw=True)


def table(header: list[str], rows: list[list[str]]) -> tuple[str, str]:
    """One table twice: as markdown, and as plain text in aligned columns."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [header, *rows]]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    lines.insert(1, "|" + ":--|" * len(header))
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    plain = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join(lines), "\n".join(plain)
