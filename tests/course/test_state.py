"""The progress file: whatever happens to it, the lesson goes on and nothing is lost."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minseg.course import guess, progress, reveal, state
from minseg.course.state import FILE_NAME, empty, load, state_path, update


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))
    monkeypatch.setattr("minseg.course.state._waiting", {})
    return tmp_path


def names(folder):
    """Of the files that a user sees."""
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


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
    assert names(folder) == [FILE_NAME]
    assert [path.name for path in folder.iterdir() if path.suffix == ".tmp"] == []


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


def test_entries_under_other_names_survive(folder):
    (folder / FILE_NAME).write_text('{"badges": ["first"], "solved": [], "version": 2}')
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
    assert names(folder) == [FILE_NAME]


DAMAGED = [
    b"",
    b"not json",
    b"\xff\xfe\x00",
    b"[1, 2]",
    b'"text"',
    b"null",
    b'{"solved": {"21.bilinear": true}}',
    b'{"solved": [5]}',
    b'{"guesses": []}',
    b'{"guesses": {"21.q_a": "eight"}}',
    b'{"guesses": {"21.q_a": true}}',
    b'{"guesses": {"21.q_a": 1' + b"0" * 400 + b"}}",
    b'{"measured": {"21.q_a": 8}}',
    b'{"measured": {"21.q_a": "\\ud800"}}',
    b'{"measured": {"21.q_a": "' + b"x" * 201 + b'"}}',
    b'{"measured": {"21.q_a": "\\u001b[2J"}}',
    b'{"measured": {"<img src=x onerror=alert(1)>": "8"}}',
    b'{"guesses": {"21.q_a\\n": 8}}',
    b'{"solved": ["21.a|x"]}',
    b'{"version": 0}',
    b'{"version": true}',
    b'{"version": "2"}',
    b'{"version": 2.0}',
    b'{"earlier": []}',
    b'{"earlier": {"solved": "13.average"}}',
    b'{"earlier": {"guesses": {"13.1": "half"}}}',
    b'{"earlier": {"measured": {"<b>13.1</b>": "8"}}}',
    b'{"later": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    b" " * 4_200_000 + b"{}",
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


@pytest.mark.slow
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
        guess("21.q_a", 2)
        reveal("21.q_a", 3)
    assert load()["guesses"]["21.q_a"] == 2
    kept = [path.read_bytes() for path in folder.glob("minseg-progress-damaged-*")]
    if not kept:  # it was understood, so its entries are still there
        old, new = json.loads(content), load()
        assert set(old.get("solved", [])) <= set(new["solved"])
        assert {**old.get("guesses", {}), "21.q_a": 2} == new["guesses"]
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


# ---- Two processes, and locks

# Without torch, which the rest of `minseg.course` needs, a process is there in a blink.
WRITER = """
import sys, types
package = sys.modules["minseg.course"] = types.ModuleType("minseg.course")
package.__path__ = [sys.argv[3]]
from minseg.course.state import update
name, number = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
input()
for k in range(number):
    update(lambda state, k=k: state["guesses"].update({f"{name}.{k}": k}))
"""

HOLDER = """
import sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
input()
"""


def start(code, *arguments):
    """A Python process that has said its first word, and waits for a line."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline(), process.stderr.read()
    return process


def write_at_once(writers, number):
    """Let so many processes make so many changes each, all at the same time."""
    package = Path(state.__file__).parent
    started = [start(WRITER, f"w{w}", number, package) for w in range(writers)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, trouble = process.communicate(timeout=300)
        assert process.returncode == 0 and not trouble, trouble


def test_two_writers_keep_each_others_entries():
    write_at_once(2, 50)
    assert len(load()["guesses"]) == 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writers", "number"), [pytest.param(2, 500, marks=pytest.mark.attack), (8, 25)]
)
def test_many_writers_keep_each_others_entries(writers, number):
    write_at_once(writers, number)
    assert len(load()["guesses"]) == writers * number


def test_threads_keep_each_others_entries():
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda k: put(**{f"t.{k}": k}), range(200)))
    assert len(load()["guesses"]) == 200


@pytest.fixture
def holder(folder):
    """Another process that holds the lock of the file."""
    process = start(HOLDER, folder / f".{FILE_NAME}.lock")
    yield process
    process.kill()
    process.communicate()


def test_the_lock_of_a_dead_process_holds_nobody_up(holder):
    holder.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    holder.wait()
    begun = time.monotonic()
    put(a=1)
    assert load()["guesses"] == {"a": 1} and time.monotonic() - begun < 5


def test_waiting_for_a_lock_ends_and_says_what_to_do(monkeypatch, folder, holder):
    monkeypatch.setattr("minseg.course.state.PATIENCE", 0.2)
    with pytest.warns(UserWarning, match=r"did not let go in 0\.2 s: close other notebooks"):
        put(a=1)
    assert load()["guesses"] == {"a": 1} and not (folder / FILE_NAME).exists()
    holder.communicate("let go\n")
    put(b=2)
    assert json.loads((folder / FILE_NAME).read_text())["guesses"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "no locks"), NotImplementedError("none")])
def test_a_network_without_locks_is_written_all_the_same(monkeypatch, folder, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    put(a=1)
    assert json.loads((folder / FILE_NAME).read_text())["guesses"] == {"a": 1}


def test_what_another_process_has_mended_meanwhile_is_not_set_aside(monkeypatch, folder):
    (folder / FILE_NAME).write_bytes(b"damaged")
    parse_file = state._parse_file

    def late(path):
        try:
            return parse_file(path)
        finally:  # the other one has set it aside, and written since
            path.write_text('{"guesses": {"a": 1}}')

    monkeypatch.setattr("minseg.course.state._parse_file", late)
    assert load()["guesses"] == {"a": 1}
    assert names(folder) == [FILE_NAME]


# ---- A full disk


def test_after_a_full_disk_all_that_waits_is_written(monkeypatch, folder):
    put(a=1)
    full = monkeypatch.context()
    with full as patch:
        patch.setattr("minseg.course.state.write_whole", no_space)
        with pytest.warns(UserWarning, match=r"\(the disk is full\).* each new answer tries again"):
            put(b=2)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            put(c=3)  # said once
        assert load()["guesses"] == {"a": 1, "b": 2, "c": 3}
    other = {"guesses": {"a": 9, "other": 4}}
    (folder / FILE_NAME).write_text(json.dumps(other))  # another notebook, in the meantime
    put(d=5)
    kept = json.loads((folder / FILE_NAME).read_text())["guesses"]
    assert kept == {"a": 9, "b": 2, "c": 3, "other": 4, "d": 5}
    with monkeypatch.context() as patch:
        patch.setattr("minseg.course.state.write_whole", no_space)
        with pytest.warns(UserWarning, match="the disk is full"):
            put(e=6)  # said again, after it was well


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


# ---- What is written can be read


def test_a_change_that_could_not_be_read_back_is_refused(folder):
    put(a=1)
    for entry in ({"<b>": 1}, {"a": "1"}, {5.1: 1}):
        with pytest.raises((ValueError, TypeError)):
            update(lambda state, entry=entry: state["guesses"].update(entry))
    assert load()["guesses"] == {"a": 1}


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.complex_numbers()
    | st.lists(st.integers())
    | st.sampled_from([10**400, 10**5000, torch.ones(1), torch.ones(2), torch.tensor(2j)])
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    question=st.sampled_from(["21.q_a", "my own"]) | ANYTHING,
    answer=ANYTHING,
    unit=st.sampled_from(["px", "\N{THIN SPACE}px\N{NO-BREAK SPACE}²"]) | ANYTHING,
    digits=st.integers(0, 400),
)
def test_whatever_is_guessed_the_file_stays_readable(folder, question, answer, unit, digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # setting the file aside would warn
        guess(question, answer)
        reveal(question, answer, unit, digits)
        load()
        progress()
    assert set(names(folder)) <= {FILE_NAME}
