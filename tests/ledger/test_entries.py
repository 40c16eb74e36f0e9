"""The words: every claim once, complete, with a function of its own."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

import minseg.ledger
from minseg.ledger import NOTEBOOKS, VERDICTS, entries, measure, to_come

FIELDS = {"notebook", "topic", "kind", "verdict", "notes", "precise", "source"}
FOLDER = Path(minseg.ledger.__file__).parent


def functions() -> dict[str, tuple[str, str]]:
    """Topic and docstring of every function c01 … c140, by id."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        module = import_module(f"minseg.ledger.{path.stem}")
        for name, member in inspect.getmembers(module, inspect.isfunction):
            if name[0] == "c" and name[1:].isdigit() and member.__module__ == module.__name__:
                assert name.upper() not in found, f"{name} is measured twice"
                found[name.upper()] = path.stem, inspect.getdoc(member) or ""
    return found


def test_every_claim_is_measured_or_still_to_come():
    assert not set(entries()) & set(to_come())
    assert [*entries(), *to_come()] == [
        *(f"C{k:02d}" for k in range(1, 141) if f"C{k:02d}" in entries()),
        *(f"C{k:02d}" for k in range(1, 141) if f"C{k:02d}" in to_come()),
    ]
    assert len(entries()) + len(to_come()) == 140


def test_every_entry_is_complete():
    for id, entry in entries().items():
        assert entry.keys() == FIELDS, id
        assert entry["verdict"] in VERDICTS and entry["kind"] in "DAQL", id
        for field in ("notes", "precise", "source"):
            assert entry[field].strip() == entry[field] != "", id
    for id, entry in to_come().items():
        assert entry.keys() == {"notebook", "notes"} and entry["notes"].endswith("."), id
    assert {e["notebook"] for e in (*entries().values(), *to_come().values())} == set(NOTEBOOKS)


def test_every_entry_has_the_function_that_it_names():
    found = functions()
    assert {id: entry["topic"] for id, entry in entries().items()} == {
        id: topic for id, (topic, _) in found.items()
    }
    for id, (_, said) in found.items():
        assert len(said.splitlines()[0]) > 10 and said.splitlines()[0].endswith("."), id


def test_a_topic_belongs_to_one_notebook():
    where = {}
    for entry in entries().values():
        assert where.setdefault(entry["topic"], entry["notebook"]) == entry["notebook"]


def test_what_is_no_claim_is_refused():
    with pytest.raises(ValueError, match="C134 is not measured yet"):
        measure("C134")
    with pytest.raises(ValueError, match="C01 to C140, got 'C141'"):
        measure("C141")
    with pytest.raises(ValueError, match="must be one of 91, 92, 93, 94, 95, got '96'"):
        entries("96")
