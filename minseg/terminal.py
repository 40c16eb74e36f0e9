"""What is printed beside a result: errors in one line, notes, and how far the work is.

A name in a file may hold any character, and a terminal obeys some of them: an escape sequence can
clear the screen, change its title or hide what stands before it. So whatever comes from a file is
printed with such characters written out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def printable(text: object) -> str:
    r"""The text with control characters, line ends among them, written out.

    Example:
        >>> printable("red \x1b[31m car\n")
        'red \\x1b[31m car\\n'
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )


def complain(error: object) -> int:
    """Print an error in one line; returns 2, the exit status for what cannot be done."""
    print(f"error: {printable(error)}", file=sys.stderr)
    return 2


def notice(text: str) -> None:
    """Print, beside the result, what its reader should know."""
    print(f"note: {printable(text)}", file=sys.stderr)


@contextmanager
def step_bar(
    total: int, done: int = 0, *, silent: bool = False
) -> Iterator[Callable[[int, str], None]]:
    """A bar on a terminal (tqdm); where the output goes to a file or a pipe, one line at the end.

    In a notebook there is nothing, so plain tqdm and not `tqdm.auto`: `minseg.explore.LossCurve`
    draws there.

    Args:
        total, done: steps in all, steps done before.
        silent: print nothing, say because another process does.

    Yields:
        A function to call after each step, with the number of steps in all and the latest news.
    """
    from tqdm import tqdm

    silent = silent or in_notebook()
    last = ""
    with tqdm(total=total, initial=done, unit="step", disable=True if silent else None) as bar:

        def advance(total: int, news: str) -> None:
            nonlocal done, last
            done, last = done + 1, news
            bar.total = total
            bar.set_postfix_str(news, refresh=False)
            bar.update()

        yield advance
    if last and bar.disable and not silent:
        print(f"{done} step{'s' * (done != 1)}, {last}", file=sys.stderr)


def in_notebook() -> bool:
    """Whether a notebook shows what is printed."""
    ipython = sys.modules.get("IPython")  # never imported for a plain script
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
