"""The cards of the ledger, and what is left of it for learners' old copies of lessons."""

import re

import pytest

from minseg.course import claim, claims, ledger
from minseg.ledger import NOTEBOOKS, VERDICTS, Measured, entries, to_come


def test_the_card_says_it_all(capsys):
    claims.show_claim("C82")
    card, entry = capsys.readouterr().out, entries()["C82"]
    for words in (
        "Claim C82",
        "✓ holds",
        "Measured here",
        "32 px: P2",
        "c82 in roi_align.py",
    ):
        assert words in card
    for field in ("notes", "precise", "source"):
        assert entry[field] in card


def test_what_a_paper_says_is_not_called_measured(capsys):
    claims.show_claim("C126")
    card = capsys.readouterr().out
    assert "\nQuoted" in card and "Measured" not in card


def test_a_measurement_that_does_not_support_its_verdict_fails(capsys, monkeypatch):
    monkeypatch.setattr(claims, "measure", lambda id: Measured("mean 0.9.", supports=False))
    with pytest.raises(AssertionError, match=r'C39: "mean 0\.9\." does not support "imprecise"'):
        claims.show_claim("C39")
    assert "mean 0.9" in capsys.readouterr().out  # the card is drawn all the same


def test_the_index_has_every_claim_of_its_notebook_once(capsys):
    for notebook in NOTEBOOKS:
        claims.show_index(notebook)
        listed = re.findall(r"\bC\d+", re.sub(r"\(#C\d+\)", "", capsys.readouterr().out))
        assert sorted(listed) == sorted([*entries(notebook), *to_come(notebook)])


def test_what_is_not_measured_is_said_to_be_so(capsys):
    claims.show_to_come("95")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(to_come("95"))
    assert all(line.endswith("not measured yet") for line in lines)


def test_an_old_copys_claim_says_where_to_look_and_asserts_nothing(capsys):
    claim("C39", measured="mean 0.9", supports=False)
    said = capsys.readouterr().out
    assert "92_regions_and_mask_rcnn.ipynb" in said and "minseg.ledger.rounding.c39()" in said
    claim("C999", measured="x", supports=True)
    assert "no measured claim 'C999'" in capsys.readouterr().out


def test_the_ledger_counts_what_each_notebook_has(capsys):
    ledger()
    lines = capsys.readouterr().out.splitlines()[1:]
    counts = [[int(n) for n in re.findall(r"\s(\d+)", line)] for line in lines]
    assert [sum(row) for row in counts] == [
        len(entries(number)) + len(to_come(number)) for number in NOTEBOOKS
    ]
    assert [len(row) for row in counts] == [len(VERDICTS) + 1] * len(NOTEBOOKS)
