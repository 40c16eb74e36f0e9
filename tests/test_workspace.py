"""A learner's copy of the lessons: renewed where untouched, never lost where changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import lessons.workspace as workspace
from lessons.workspace import LOCK, MANIFEST, main, refresh, reset

SPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def lesson(folder: Path, text: str, name: str = "01_one") -> None:
    """A lesson of two cells that has run, as the project keeps it."""
    cell = new_code_cell(text, outputs=[new_output("stream", text="41\n")], execution_count=1)
    words = new_markdown_cell("**Predict.**\nHow many?")
    cell.id, words.id = "code", "words"
    notebook = new_notebook(cells=[cell, words], metadata={"kernelspec": SPEC})
    nbformat.write(notebook, folder / f"{name}.ipynb")


def files(folder: Path) -> set[str]:
    """Of the files that a user sees."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def folders(tmp_path):
    lessons, mine = tmp_path / "lessons", tmp_path / "mine"
    lessons.mkdir()
    (lessons / "glossary.md").write_text("# Glossary\n")
    lesson(lessons, "answer = None")
    refresh(mine, lessons)
    return lessons, mine


def change(copy: Path, source: str | None = None) -> None:
    """What a learner's session leaves behind: outputs, and perhaps another text."""
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[0].source = source or notebook.cells[0].source
    notebook.cells[0].outputs = [new_output("stream", text="a run\n")]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "mine"}
    nbformat.write(notebook, copy)


def source_of(copy: Path) -> str:
    return nbformat.read(copy, as_version=4).cells[0].source


def test_no_answer_stands_below_its_question(folders):
    cell = nbformat.read(folders[1] / "01_one.ipynb", as_version=4).cells[0]
    assert cell.outputs == []
    assert cell.execution_count is None
    assert (folders[1] / "glossary.md").read_text() == "# Glossary\n"


def opened_and_saved(notebook):
    """What JupyterLab does by itself."""
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3.13"}
    notebook.metadata["language_info"] = {"name": "python", "version": "3.13.1"}


def test_a_copy_as_it_came_is_renewed(folders):
    lessons, mine = folders
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.ipynb") == "answer = 0  # newer"
    edit(mine / "01_one.ipynb", opened_and_saved)
    lesson(lessons, "answer = 0  # newest")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.ipynb") == "answer = 0  # newest"
    assert files(mine) == {"01_one.ipynb", "glossary.md"}


def edit(copy: Path, change) -> None:
    notebook = nbformat.read(copy, as_version=4)
    change(notebook)
    nbformat.write(notebook, copy)


CHANGES = {
    "source": lambda n: n.cells[0].update(source="answer = 42"),
    "a space": lambda n: n.cells[0].update(source="answer = None "),
    "run": lambda n: n.cells[0].update(outputs=[new_output("stream", text="a run\n")]),
    "count": lambda n: n.cells[0].update(execution_count=3),
    "attachment": lambda n: n.cells[1].update(attachments={"a.png": {"image/png": "aGk="}}),
    "cell metadata": lambda n: n.cells[1].metadata.update(tags=["mine"]),
    "notebook metadata": lambda n: n.metadata.update(title="mine"),
    "another kernel": lambda n: n.metadata.kernelspec.update(name="mine"),
    "widget state": lambda n: n.metadata.update(widgets={"state": {"a": 1}}),
    "a new cell": lambda n: n.cells.append(new_markdown_cell("a note")),
    "cells swapped": lambda n: n.cells.reverse(),
    "kind": lambda n: n.cells[1].update(cell_type="raw"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_copy_stays_and_the_newer_lies_beside_it(folders, capsys, name):
    lessons, mine = folders
    edit(mine / "01_one.ipynb", CHANGES[name])
    before = (mine / "01_one.ipynb").read_bytes()
    refresh(mine, lessons)
    assert not capsys.readouterr().out  # nothing is new
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert (mine / "01_one.ipynb").read_bytes() == before
    assert source_of(mine / "01_one.new.ipynb") == "answer = 0  # newer"
    words = capsys.readouterr().out
    assert "the newer one is 01_one.new.ipynb" in words and "make reset LESSON=01" in words
    refresh(mine, lessons)
    assert not capsys.readouterr().out  # said once


def test_newer_ones_do_not_pile_up(folders):
    lessons, mine = folders
    edit(mine / "01_one.ipynb", CHANGES["source"])
    for version in ("2", "3", "4"):
        lesson(lessons, version)
        refresh(mine, lessons)
        refresh(mine, lessons)
    assert files(mine) == {"01_one.ipynb", "01_one.new.ipynb", "glossary.md"}
    assert source_of(mine / "01_one.new.ipynb") == "4"
    (mine / "01_one.new.ipynb").unlink()  # not wanted
    refresh(mine, lessons)
    assert files(mine) == {"01_one.ipynb", "glossary.md"}
    lesson(lessons, "5")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.new.ipynb") == "5"


def test_a_newer_one_that_was_changed_is_the_learners_too(folders):
    lessons, mine = folders
    edit(mine / "01_one.ipynb", CHANGES["source"])
    lesson(lessons, "2")
    refresh(mine, lessons)
    edit(mine / "01_one.new.ipynb", CHANGES["run"])
    kept = {name: (mine / name).read_bytes() for name in ("01_one.ipynb", "01_one.new.ipynb")}
    for version in ("3", "4"):
        lesson(lessons, version)
        refresh(mine, lessons)
    assert {name: (mine / name).read_bytes() for name in kept} == kept
    assert source_of(mine / "01_one.new-2.ipynb") == "4"
    assert files(mine) == {*kept, "01_one.new-2.ipynb", "glossary.md"}


def test_the_newer_one_may_take_its_place(folders):
    lessons, mine = folders
    edit(mine / "01_one.ipynb", CHANGES["source"])
    lesson(lessons, "2")
    refresh(mine, lessons)
    os.replace(mine / "01_one.new.ipynb", mine / "01_one.ipynb")
    refresh(mine, lessons)
    lesson(lessons, "3")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.ipynb") == "3"
    assert files(mine) == {"01_one.ipynb", "glossary.md"}


def test_a_reset_takes_the_newer_one_away_unless_it_was_changed(folders):
    lessons, mine = folders
    for k, (change_it, left) in enumerate([(False, set()), (True, {"01_one.new.ipynb"})], 1):
        edit(mine / "01_one.ipynb", CHANGES["source"])
        lesson(lessons, f"version {k}")
        refresh(mine, lessons)
        if change_it:
            edit(mine / "01_one.new.ipynb", CHANGES["run"])
        reset(mine, "01", lessons)
        kept = {f"01_one.mine-{n}.ipynb" for n in range(1, k + 1)}
        assert files(mine) == {"01_one.ipynb", "glossary.md", *kept, *left}


def test_a_changed_glossary_stays_too(folders):
    lessons, mine = folders
    (mine / "glossary.md").write_text("# Mine\n")
    (lessons / "glossary.md").write_text("# Newer\n")
    refresh(mine, lessons)
    assert (mine / "glossary.md").read_text() == "# Mine\n"
    assert (mine / "glossary.new.md").read_text() == "# Newer\n"


def test_new_lessons_arrive(folders):
    lessons, mine = folders
    lesson(lessons, "second", name="02_one")
    refresh(mine, lessons)
    assert source_of(mine / "02_one.ipynb") == "second"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", None])
def test_without_a_readable_manifest_nothing_changed_is_overwritten(folders, content):
    lessons, mine = folders
    change(mine / "01_one.ipynb", "answer = 42")
    if content is None:
        (mine / MANIFEST).unlink()
    else:
        (mine / MANIFEST).write_bytes(content)
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.ipynb") == "answer = 42"


def test_a_copy_that_is_no_notebook_any_more_stays(folders):
    lessons, mine = folders
    (mine / "01_one.ipynb").write_text("{ half a file")
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert (mine / "01_one.ipynb").read_text() == "{ half a file"


def test_reset_keeps_every_earlier_copy(folders):
    lessons, mine = folders
    for answer in ("answer = 1", "answer = 2"):
        change(mine / "01_one.ipynb", answer)
        reset(mine, "01", lessons)
    assert source_of(mine / "01_one.ipynb") == "answer = None"
    assert source_of(mine / "01_one.mine-1.ipynb") == "answer = 1"
    assert source_of(mine / "01_one.mine-2.ipynb") == "answer = 2"
    assert "01_one.ipynb" in json.loads((mine / MANIFEST).read_text())


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(folders, monkeypatch):
    """Where a file system has no locks."""
    lessons, mine = folders
    monkeypatch.setattr(workspace, "taken", lambda file: True)
    (mine / "01_one.mine-1.ipynb").write_text("somebody's")
    monkeypatch.setattr(Path, "exists", lambda self: self.name == "01_one.ipynb")
    reset(mine, "01", lessons)
    assert (mine / "01_one.mine-1.ipynb").read_text() == "somebody's"
    assert source_of(mine / "01_one.mine-2.ipynb") == "answer = None"


# ---- The earlier course

PQ = "13_panoptic_quality.ipynb"


@pytest.fixture
def knew(folders):
    """Folders of somebody who had three lessons of the earlier course, which are no more."""
    lessons, mine = folders
    old = ["05_roi_pooling_versus_roialign", "09_training_strategies", "13_panoptic_quality"]
    for stem in old:
        lesson(lessons, "answer = None", name=stem)
    refresh(mine, lessons)
    for stem in old:
        (lessons / f"{stem}.ipynb").unlink()
    lesson(lessons, "a landscape", name="13_a_mask_as_a_landscape")
    return lessons, mine


def test_earlier_lessons_as_they_came_are_taken_away(knew, capsys):
    lessons, mine = knew
    edit(mine / PQ, opened_and_saved)
    refresh(mine, lessons)
    assert files(mine) == {"01_one.ipynb", "13_a_mask_as_a_landscape.ipynb", "glossary.md"}
    words = capsys.readouterr().out
    assert "are gone" in words and words.endswith("in the units: 05, 09, 13\n")
    refresh(mine, lessons)
    assert not capsys.readouterr().out  # said once


@pytest.mark.parametrize("name", CHANGES)
def test_earlier_lessons_that_were_changed_stay(knew, capsys, name):
    lessons, mine = knew
    edit(mine / PQ, CHANGES[name])
    before = (mine / PQ).read_bytes()
    for _ in range(2):
        refresh(mine, lessons)
        assert (mine / PQ).read_bytes() == before
    words = capsys.readouterr().out
    note = f"{PQ}: yours, so it stays. Its questions are in units 33 and 34 now\n"
    assert words.count(note) == 1 and "in the units: 05, 09\n" in words


def test_without_a_manifest_no_earlier_lesson_is_taken_away(knew, capsys):
    lessons, mine = knew
    (mine / MANIFEST).unlink()
    refresh(mine, lessons)
    assert PQ in files(mine) and "are gone" not in capsys.readouterr().out


def test_what_lay_beside_an_earlier_lesson_goes_unless_it_was_changed(folders):
    lessons, mine = folders
    kept = {"01_one.ipynb", "glossary.md"}
    for stem, change_it in [("05_roi_pooling_versus_roialign", False), (PQ[:-6], True)]:
        lesson(lessons, "1", name=stem)
        refresh(mine, lessons)
        edit(mine / f"{stem}.ipynb", CHANGES["run"])
        lesson(lessons, "2", name=stem)
        refresh(mine, lessons)
        kept |= {f"{stem}.ipynb"}
        if change_it:
            edit(mine / f"{stem}.new.ipynb", CHANGES["run"])
            kept |= {f"{stem}.new.ipynb"}
        (lessons / f"{stem}.ipynb").unlink()
    refresh(mine, lessons)
    assert files(mine) == kept


def test_a_reset_says_what_moved_where_to_those_who_knew(knew, capsys):
    lessons, mine = knew
    refresh(mine, lessons)
    capsys.readouterr()
    reset(mine, "13", lessons)
    words = capsys.readouterr().out
    assert "fresh: 13_a_mask_as_a_landscape.ipynb\n" in words
    assert words.endswith(
        "Did you mean 13_panoptic_quality, of the earlier course? Its questions are in units "
        "33 and 34 now\n"
    )
    with pytest.raises(ValueError, match=r"no lesson '05': .* in units 21 and 22 now"):
        reset(mine, "05", lessons)


def test_a_reset_says_nothing_of_the_earlier_course_to_others(folders, capsys):
    lessons, mine = folders
    lesson(lessons, "a landscape", name="13_a_mask_as_a_landscape")
    refresh(mine, lessons)
    reset(mine, "13", lessons)
    assert "earlier" not in capsys.readouterr().out


# ---- Several at once

RESET = """
import sys
sys.path.insert(0, sys.argv[1])
from lessons.workspace import Path, reset
print("ready", flush=True)
for _ in range(int(input())):
    reset(Path(sys.argv[3]), "01", Path(sys.argv[2]))
"""
ROOT = Path(__file__).parents[1]


def start(folders) -> subprocess.Popen:
    """A process that waits to hear how many resets it is to make."""
    command = [sys.executable, "-S", "-c", RESET, ROOT, *folders]  # -S: no package but Python's
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(list(map(str, command)), text=True, **pipes)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def resets_at_once(folders, processes: int, each: int = 1) -> None:
    """So many processes at the same time, with so many resets each."""
    started = [start(folders) for _ in range(processes)]
    for process in started:
        process.stdin.write(f"{each}\n")
        process.stdin.flush()
    for process in started:
        _, trouble = process.communicate(timeout=120)
        assert process.returncode == 0 and not trouble, trouble


def answers(mine: Path) -> list[str]:
    return sorted(source_of(path) for path in mine.glob("01_one.mine-*.ipynb"))


def test_resets_at_once_keep_every_answer(folders):
    _, mine = folders
    for k in range(5):
        edit(mine / "01_one.ipynb", lambda n, k=k: n.cells[0].update(source=f"mine {k}"))
        resets_at_once(folders, 2)
    assert answers(mine) == ["answer = None"] * 5 + [f"mine {k}" for k in range(5)]
    assert source_of(mine / "01_one.ipynb") == "answer = None"


@pytest.mark.attack
def test_four_hundred_resets_keep_four_hundred_copies(folders):
    _, mine = folders
    for k in range(4):
        edit(mine / "01_one.ipynb", lambda n, k=k: n.cells[0].update(source=f"mine {k}"))
        resets_at_once(folders, 5, each=20)
    assert answers(mine) == ["answer = None"] * 396 + [f"mine {k}" for k in range(4)]
    assert "01_one.ipynb" in json.loads((mine / MANIFEST).read_text())


HOLD = """
import fcntl, sys
with open(sys.argv[1], "ab") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    input()
"""


@pytest.fixture
def holder(folders):
    """Another process that holds the folder's lock."""
    pytest.importorskip("fcntl")
    command = [sys.executable, "-S", "-c", HOLD, str(folders[1] / LOCK)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_waiting_for_the_lock_ends_in_one_line(folders, holder, monkeypatch, capsys):
    monkeypatch.setattr(workspace, "PATIENCE", 0.1)
    assert main(["reset", str(folders[1]), "00"]) == 1
    assert ".handed-out.lock for over 0.1 s: end it and try again" in capsys.readouterr().err


def test_the_lock_of_a_dead_process_holds_nobody_up(folders, holder, monkeypatch):
    holder.kill()
    holder.wait()
    monkeypatch.setattr(workspace, "PATIENCE", 0.0)
    reset(folders[1], "01", folders[0])


def test_it_needs_nothing_but_python(tmp_path):
    command = [sys.executable, "-I", "-S", ROOT / "lessons" / "workspace.py", "refresh", tmp_path]
    subprocess.run(list(map(str, command)), check=True)
    assert (tmp_path / "00_start_here.ipynb").exists()


def test_reset_names_the_lessons_there_are(folders):
    with pytest.raises(ValueError, match=r"no lesson '98': there are 01$"):
        reset(folders[1], "98", folders[0])
