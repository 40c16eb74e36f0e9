"""What commands print: one line for an error, and no stranger's signs raw on a terminal.

A name in a file may hold any character, and a terminal obeys some of them: an escape sequence can
clear the screen, change its title or hide what stands before it. So whatever comes from a file is
printed with such characters written out.
"""

from __future__ import annotations

import sys


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
    """Tell, beside the result, what its reader should know."""
    print(f"note: {printable(text)}", file=sys.stderr)
