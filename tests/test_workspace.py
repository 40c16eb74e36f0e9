"""A learner's copy of the lessons: renewed where untouched, never lost where changed."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lessons.workspace import MANIFEST, refresh, reset


def lesson(folder: Path, text: str, number: str = "01") -> None:
    """A lesson of one cell that has run, as the project keeps it."""
    cell = new_code_cell(text, outputs=[new_output("stream", text="41\n")], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), folder / f"{number}_one.ipynb")


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


def test_a_copy_that_only_ran_is_renewed(folders):
    lessons, mine = folders
    change(mine / "01_one.ipynb")
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert source_of(mine / "01_one.ipynb") == "answer = 0  # newer"


def test_a_run_keeps_its_outputs_while_nothing_is_new(folders):
    lessons, mine = folders
    change(mine / "01_one.ipynb")
    refresh(mine, lessons)
    assert nbformat.read(mine / "01_one.ipynb", as_version=4).cells[0].outputs


def test_a_changed_copy_stays_and_says_so(folders, capsys):
    lessons, mine = folders
    change(mine / "01_one.ipynb", "answer = 42")
    before = (mine / "01_one.ipynb").read_bytes()
    lesson(lessons, "answer = 0  # newer")
    refresh(mine, lessons)
    assert (mine / "01_one.ipynb").read_bytes() == before
    assert "make reset LESSON=01" in capsys.readouterr().out


def test_new_lessons_arrive(folders):
    lessons, mine = folders
    lesson(lessons, "second", number="02")
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


def test_reset_names_the_lessons_there_are(folders):
    with pytest.raises(ValueError, match="no lesson '09': there are 01"):
        reset(folders[1], "09", folders[0])
