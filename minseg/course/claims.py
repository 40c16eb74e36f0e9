"""Cards of the ledger: what the lecture notes say, what was measured just now, and a verdict.

`minseg.ledger` measures and holds the words; here they are drawn, for the notebooks 91 to 95.
`claim` and `ledger` are what lessons used to call: in a learner's old copy they say where to look
today.
"""

from __future__ import annotations

from minseg.course.display import Markdown, say, show_markdown, table
from minseg.ledger import NOTEBOOKS, VERDICTS, entries, measure, to_come

SPACE = "\N{NO-BREAK SPACE}"  # keeps a sign and its word, or a row's label, on one line


def show_claim(id: str) -> None:
    """Measure a claim and draw its card.

    Args:
        id: such as "C39".

    Raises:
        ValueError: if no claim has that id, or nothing measures it yet.
        AssertionError: if the measurement does not support the verdict.
    """
    found, entry = measure(id), entries()[id]
    rows = [
        [f"The{SPACE}notes{SPACE}say", Markdown(entry["notes"])],
        ["Precisely", Markdown(entry["precise"])],
        ["Quoted" if found.quoted else f"Measured{SPACE}here", found.text],
        ["Source", Markdown(entry["source"])],
        ["Code", f"{id.lower()} in {entry['topic']}.py (minseg/ledger)"],
    ]
    verdict = Markdown(f"**{_sign(entry['verdict'])}**")
    markdown, plain = table([f"Claim {id}", verdict], rows)
    show_markdown(markdown, plain.replace("*", "").replace(SPACE, " "))
    assert found.supports, f'{id}: "{found.text}" does not support "{entry["verdict"]}"'


def show_index(notebook: str) -> None:
    """Draw which claims of a notebook hold, are imprecise or wrong, with links to their cards.

    Args:
        notebook: such as "92".
    """
    groups: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for id, entry in entries(notebook).items():
        groups[entry["verdict"]].append(id)
    rows = [
        [_sign(verdict), str(len(ids)), Markdown(", ".join(f"[{id}](#{id})" for id in ids))]
        for verdict, ids in groups.items()
    ]
    waiting = to_come(notebook)
    if waiting:
        rows.append([f"not{SPACE}measured{SPACE}yet", str(len(waiting)), ", ".join(waiting)])
    markdown, plain = table(["Verdict", "Claims", "Which"], rows)
    show_markdown(markdown, plain.replace(SPACE, " "))


def show_to_come(notebook: str) -> None:
    """Draw the claims of a notebook that nothing measures yet."""
    rows = [[id, entry["notes"], "not measured yet"] for id, entry in to_come(notebook).items()]
    show_markdown(*table(["Claim", "The notes say", "Verdict"], rows))


def claim(id: str, measured: str, supports: bool) -> None:
    """Say where a claim has gone. Old copies of lessons call it; nothing is drawn or asserted.

    Args:
        id: such as "C39".
        measured, supports: what the old copy measured; no longer used.
    """
    if id not in entries():
        say(f"There is no measured claim {id!r}. The ledger lists all: minseg.course.ledger()")
        return
    entry = entries()[id]
    say(
        f"Claim {id} has moved to {NOTEBOOKS[entry['notebook']]}: "
        f"minseg.ledger.{entry['topic']}.{id.lower()}() measures it."
    )


def ledger() -> None:
    """Draw where the claims of the lecture notes are measured, and how many have which verdict."""
    rows = []
    for number, name in NOTEBOOKS.items():
        verdicts = [entry["verdict"] for entry in entries(number).values()]
        counts = [str(verdicts.count(verdict)) for verdict in VERDICTS]
        rows.append([Markdown(f"[{name}]({name})"), *counts, str(len(to_come(number)))])
    signs = [_sign(verdict) for verdict in VERDICTS]
    markdown, plain = table(["Notebook", *signs, f"not{SPACE}measured{SPACE}yet"], rows)
    show_markdown(markdown, plain.replace(SPACE, " "))


def _sign(verdict: str) -> str:
    return VERDICTS[verdict].replace(" ", SPACE)
