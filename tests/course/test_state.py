"""The progress file: whatever happens to it, the lesson goes on and nothing is lost."""

import json
import os
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minseg.course import guess, progress, reveal
from minseg.course.state import FILE_NAME, empty, load, state_path, update


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))
    monkeypatch.setattr("minseg.course.state._unsaved", {})
    return tmp_path


def put(**entries):
    update(lambda state: state["guesses"].update(entries))


def test_begins_empty_and_leaves_no_trace_by_reading(folder):
    assert load() == empty()
    assert not list(folder.iterdir())


def test_lies_in_the_current_folder_by_default(monkeypatch, folder):
    monkeypatch.delenv("MINSEG_STATE")
    monkeypatch.chdir(folder)
    assert state_path() == folder / FILE_NAME


def test_is_kept_and_leaves_no_other_file(folder):
    put(a=1.5)
    assert load()["guesses"] == {"a": 1.5}
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_makes_its_folder(monkeypatch, folder):
    monkeypatch.setenv("MINSEG_STATE", str(folder / "new" / "one"))
    put(a=1)
    assert load()["guesses"] == {"a": 1}


def test_two_notebooks_keep_each_others_entries(folder):
    put(a=1)
    other = json.loads((folder / FILE_NAME).read_text())
    other["guesses"]["b"] = 2
    (folder / FILE_NAME).write_text(json.dumps(other))  # as another kernel would
    put(c=3)
    assert load()["guesses"] == {"a": 1, "b": 2, "c": 3}


def test_entries_of_a_newer_version_survive(folder):
    (folder / FILE_NAME).write_text('{"badges": ["first"], "solved": []}')
    put(a=1)
    assert json.loads((folder / FILE_NAME).read_text())["badges"] == ["first"]


def test_a_crash_while_writing_keeps_the_old_file(monkeypatch, folder):
    put(a=1)

    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        put(b=2)
    assert load()["guesses"] == {"a": 1}
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


DAMAGED = [
    b"",
    b"not json",
    b"\xff\xfe\x00",
    b"[1, 2]",
    b'"text"',
    b"null",
    b'{"solved": {"05.bilinear": true}}',
    b'{"solved": [5]}',
    b'{"guesses": []}',
    b'{"guesses": {"05.1": "eight"}}',
    b'{"guesses": {"05.1": true}}',
    b'{"guesses": {"05.1": 1' + b"0" * 400 + b"}}",
    b'{"measured": {"05.1": 8}}',
    b'{"measured": {"05.1": "\\ud800"}}',
    b"[" * 100_000,
    b"9" * 5000,
]


@pytest.mark.parametrize("damage", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_set_aside_whole(folder, damage):
    (folder / FILE_NAME).write_bytes(damage)
    with pytest.warns(UserWarning, match="set aside as minseg-progress-damaged-"):
        put(a=1)
    (aside,) = folder.glob("minseg-progress-damaged-*.json")
    assert aside.read_bytes() == damage
    assert load()["guesses"] == {"a": 1}


def test_a_second_damaged_file_spares_the_first(folder):
    for damage in (b"one", b"two"):
        (folder / FILE_NAME).write_bytes(damage)
        with pytest.warns(UserWarning, match="set aside"):
            load()
    kept = {path.read_bytes() for path in folder.glob("minseg-progress-damaged-*")}
    assert kept == {b"one", b"two"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {},
        optional={
            key: st.none() | st.lists(st.text()) | st.dictionaries(st.text(), st.integers())
            for key in empty()
        },
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_content_blocks_a_lesson_or_is_lost(folder, content):
    for path in folder.iterdir():
        path.unlink()
    (folder / FILE_NAME).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        progress()
        guess("05.1", 2)
        reveal("05.1", 3)
    assert load()["guesses"]["05.1"] == 2
    kept = [path.read_bytes() for path in folder.glob("minseg-progress-damaged-*")]
    if not kept:  # it was understood, so its entries are still there
        old, new = json.loads(content), load()
        assert set(old.get("solved", [])) <= set(new["solved"])
        assert {**old.get("guesses", {}), "05.1": 2} == new["guesses"]
    else:
        assert kept == [content]


def test_a_folder_that_cannot_be_written_warns_once(monkeypatch, folder):
    (folder / "file").write_text("")
    monkeypatch.setenv("MINSEG_STATE", str(folder / "file"))  # no folder, for root neither
    with pytest.warns(UserWarning, match="progress cannot be kept in .* MINSEG_STATE"):
        put(a=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        put(b=2)
        assert load()["guesses"] == {"a": 1, "b": 2}  # while the kernel lives


def test_a_damaged_file_that_cannot_be_moved_is_left_alone(monkeypatch, folder):
    (folder / FILE_NAME).write_bytes(b"damaged")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.warns(UserWarning, match="cannot be kept"):
        put(a=1)
    monkeypatch.undo()
    assert (folder / FILE_NAME).read_bytes() == b"damaged"


def test_a_folder_in_its_place_blocks_nothing(folder):
    (folder / FILE_NAME).mkdir()
    with pytest.warns(UserWarning, match="cannot be kept"):
        put(a=1)
    assert load()["guesses"] == {"a": 1}
