"""Put a card or a table on the page: markdown in a notebook, plain text in a terminal.

Markdown, not HTML: a front end styles it for its light and its dark theme, and a notebook's stored
output stays short enough to compare word for word.

A notebook that has just run is trusted, so JupyterLab runs what HTML it finds in its markdown:
a table's text must not become markup. `table` makes every cell say what it says, letter by letter,
but for those that are marked as `Markdown`. What is printed cannot do harm, but printing can fail:
`say` and `brief` do not.
"""

from __future__ import annotations

import contextlib
import reprlib
import sys

# What begins markup (a tag, an entity, code, emphasis), as entities, which stand for the letters
# themselves and begin nothing (CommonMark, section 2.5). MathJax looks at the page that comes of
# it, where entities are letters again; but it takes no formula that reaches over an element's end.
LITERAL = str.maketrans(
    {letter: f"&#{ord(letter)};" for letter in "&<`*~"}
    | {letter: f"<span>&#{ord(letter)};</span>" for letter in "$\\"}
)


class Markdown(str):
    """Text that is meant as markdown, and is ours: `table` leaves it as it is."""


def show_markdown(markdown: str, plain: str) -> None:
    """Display `markdown` where there is a notebook front end, print `plain` where there is none."""
    ipython = sys.modules.get("IPython")  # never imported for a plain script
    if ipython is None or ipython.get_ipython() is None:
        say(plain)
        return
    from IPython.display import display

    display({"text/markdown": markdown, "text/plain": plain}, raw=True)


def table(header: list[str], rows: list[list[str]]) -> tuple[str, str]:
    """One table twice: as markdown, and as plain text in aligned columns.

    Args:
        header, rows: cells of text, which is shown as it is, or of `Markdown`.

    Example:
        >>> table(["Question"], [["<b>1</b>"]])[0].splitlines()[-1]
        '| &#60;b>1&#60;/b> |'
    """
    grid = [[" ".join(cell.splitlines()) for cell in row] for row in [header, *rows]]
    marked = [[_cell(cell) for cell in row] for row in [header, *rows]]
    lines = ["| " + " | ".join(row) + " |" for row in marked]
    lines.insert(1, "|" + ":--|" * len(header))
    widths = [max(len(row[k]) for row in grid) for k in range(len(header))]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in grid
    ]
    return "\n".join(lines), "\n".join(aligned)


def literal(text: str) -> str:
    """Markdown that shows a line of text as it is.

    Example:
        >>> literal("<img src=x> [a](b)")
        '&#60;img src=x> [a]&#40;b)'
    """
    return " ".join(text.splitlines()).translate(LITERAL).replace("](", "]&#40;")


def say(text: str) -> None:
    """Print. Where stdout is closed, on stderr; letters that it does not know as question marks."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no letter
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError):  # closed, or its reader has gone
            code = getattr(stream, "encoding", None) or "utf-8"
            print(text.encode(code, "replace").decode(code), file=stream)
            return


def brief(value: object, longest: int = 80) -> str:
    """A value as Python writes it, in one line of about `longest` characters. Never raises.

    Example:
        >>> brief(list(range(1_000_000)))
        '[0, 1, 2, 3, 4, 5, ...]'
    """
    short = reprlib.Repr()
    short.maxlevel = 2
    short.maxstring = short.maxother = short.maxlong = longest
    try:
        return " ".join(short.repr(value).splitlines())
    except Exception:  # a `__repr__` of the learner's, an integer of too many digits
        return f"<{type(value).__name__} that cannot be shown>"


def _cell(text: str) -> str:
    marked = text if isinstance(text, Markdown) else literal(text)
    return marked.replace("|", "\\|")
