"""The notebooks of the ledger show every claim of theirs once, in order of topics, by its id."""

import re
from pathlib import Path

import pytest

from minseg.ledger import NOTEBOOKS, entries, to_come

SOURCES = Path(__file__).parents[2] / "lessons" / "src"


def source(number: str) -> str:
    return (SOURCES / NOTEBOOKS[number]).with_suffix(".py").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_claim_has_a_card_under_its_own_heading(number):
    pairs = re.findall(r'^# ### (C\d+)\n\n# %%\nshow_claim\("(C\d+)"\)$', source(number), re.M)
    assert all(heading == card for heading, card in pairs)
    assert sorted(card for _, card in pairs) == sorted(entries(number))
    assert source(number).count("show_claim(") == len(pairs)


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_claims_of_a_topic_stand_together(number):
    shown = re.findall(r'show_claim\("(C\d+)"\)', source(number))
    topics = list(dict.fromkeys(entries()[id]["topic"] for id in shown))
    ordered = sorted(shown, key=lambda id: (topics.index(entries()[id]["topic"]), int(id[1:])))
    assert shown == ordered


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_it_opens_with_an_index_and_says_what_is_not_measured(number):
    assert f'show_index("{number}")' in source(number).split("# ## ")[0]
    assert (f'show_to_come("{number}")' in source(number)) == bool(to_come(number))
    for words in ("lecture notes", "**How to read a card**", "✗ wrong", "When it does not work"):
        assert words in source(number)
