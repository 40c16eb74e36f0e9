"""The claims ledger: what the lecture notes say, measured, with a verdict.

Every statement of the notes that can be checked has an id, C01 to C140, and one lesson where it is
measured. `claims.toml` holds the statement in our own words, the verdict and the precise version.
A claim is drawn with what was just measured, and a notebook fails as soon as its measurement stops
supporting the verdict.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from minseg.course.display import Markdown, show_markdown, table

SPACE = "\N{NO-BREAK SPACE}"  # keeps a sign and its word, or a row's label, on one line
VERDICTS = {
    "holds": f"✓{SPACE}holds",
    "imprecise": f"≈{SPACE}imprecise",
    "wrong": f"✗{SPACE}wrong",
}


@cache
def _file() -> dict[str, Any]:
    text = files("minseg.course").joinpath("claims.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def landed() -> dict[str, dict[str, str]]:
    """The claims that a lesson measures, by id: lesson, kind, verdict, notes, precise, source.

    Example:
        >>> landed()["C39"]["lesson"], landed()["C39"]["verdict"]
        ('04', 'imprecise')
    """
    return {id: entry for id, entry in _file().items() if id != "to_come"}


def to_come() -> dict[str, list[str]]:
    """The ids still without a lesson, by the lesson that will measure them."""
    return dict(_file()["to_come"])


def claim(id: str, measured: str, supports: bool) -> None:
    """Draw a claim's card, and insist that the measurement supports its verdict.

    Args:
        id: such as "C39".
        measured: what this notebook has just measured, in one line.
        supports: whether that supports the verdict: pass a comparison, never a constant.

    Raises:
        ValueError: if no claim has that id.
        AssertionError: if `supports` is false.
    """
    if id not in landed():
        raise ValueError(f"id must be a claim that has landed ({', '.join(landed())}), got {id!r}")
    entry = landed()[id]
    rows = [
        [f"The{SPACE}notes{SPACE}say", Markdown(entry["notes"])],
        ["Precisely", Markdown(entry["precise"])],
        [f"Measured{SPACE}here", measured],
        ["Source", Markdown(entry["source"])],
    ]
    verdict = VERDICTS[entry["verdict"]]
    markdown, plain = table([f"Claim {id}", Markdown(f"**{verdict}**")], rows)
    show_markdown(markdown, plain.replace("*", "").replace(SPACE, " "))
    assert supports, f'{id}: measured "{measured}", which does not support "{entry["verdict"]}"'


def ledger() -> None:
    """Draw the table of all claims measured so far."""
    rows = [
        [id, entry["lesson"], VERDICTS[entry["verdict"]], Markdown(entry["precise"])]
        for id, entry in sorted(landed().items(), key=lambda item: int(item[0][1:]))
    ]
    markdown, plain = table(["Claim", "Lesson", "Verdict", "Precisely"], rows)
    show_markdown(markdown, plain.replace(SPACE, " "))
