"""The ledger: every claim once, in one lesson, with a verdict that its measurement must support."""

import re
from pathlib import Path

import pytest

from minseg.course import claim, ledger
from minseg.course.claims import VERDICTS, landed, to_come

LESSONS = Path(__file__).parents[2] / "lessons" / "src"
FIELDS = {"lesson", "kind", "verdict", "notes", "precise", "source"}


def measured() -> list[tuple[str, str]]:
    """(lesson, claim id) for each `claim("C…")` in a lesson's source."""
    return [
        (path.name[:2], id)
        for path in sorted(LESSONS.glob("[0-9][0-9]_*.py"))
        for id in re.findall(r"""^(?!#).*?\bclaim\(\s*["'](C\d+)["']""", path.read_text(), re.M)
    ]


def test_every_claim_is_somewhere_once():
    waiting = [id for ids in to_come().values() for id in ids]
    everything = [*landed(), *waiting]
    assert sorted(everything) == sorted({f"C{k:02d}" for k in range(1, 141)})
    assert len(everything) == 140


def test_every_entry_is_complete():
    for id, entry in landed().items():
        assert entry.keys() == FIELDS, id
        assert entry["verdict"] in VERDICTS and entry["kind"] in "DAQL", id
        assert re.fullmatch(r"\d\d", entry["lesson"]), id
        for field in ("notes", "precise", "source"):
            assert entry[field].strip() == entry[field] != "", id


@pytest.mark.parametrize("lesson, id", measured())
def test_a_measured_claim_has_landed_in_its_lesson(lesson, id):
    assert id in landed(), f"lesson {lesson} measures {id}, which claims.toml does not hold"
    assert landed()[id]["lesson"] == lesson


def test_every_landed_claim_is_measured_exactly_once():
    assert sorted(id for _, id in measured()) == sorted(landed())


def test_a_lesson_that_exists_owes_nothing():
    there = {path.name[:2] for path in LESSONS.glob("[0-9][0-9]_*.py")}
    assert not there & set(to_come())


def test_the_card_says_it_all(capsys):
    claim("C39", measured="mean 0.500", supports=True)
    card, entry = capsys.readouterr().out, landed()["C39"]
    for words in ("Claim C39", "≈ imprecise", "mean 0.500", *entry.values()):
        assert words in card or words in ("04", "Q")


def test_a_measurement_that_does_not_support_it_fails_the_notebook(capsys):
    with pytest.raises(AssertionError, match=r'C39: measured "mean 0\.9", which does not support'):
        claim("C39", measured="mean 0.9", supports=False)
    assert "mean 0.9" in capsys.readouterr().out  # the card is drawn all the same


def test_an_unknown_claim_is_refused():
    with pytest.raises(ValueError, match="got 'C999'"):
        claim("C999", measured="x", supports=True)


def test_the_ledger_lists_them_in_order(capsys):
    ledger()
    ids = re.findall(r"^C\d+", capsys.readouterr().out, re.M)
    assert ids == sorted(landed(), key=lambda id: int(id[1:]))
