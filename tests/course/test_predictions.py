"""Guesses, reveals, and the table that puts them side by side."""

import pytest
import torch

from minseg.course import guess, progress, reveal
from minseg.course.exercises import exercises_of, lessons_with_exercises
from minseg.course.state import load, update


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))


def said(capsys):
    return capsys.readouterr().out


def test_run_all_never_blocks(capsys):
    guess("05.1", None)
    assert "put your number in place of None" in said(capsys)
    reveal("05.1", 8.0, "px")
    assert said(capsys) == "05.1: measured 8 px (you did not guess).\n"


def test_a_guess_stands_beside_the_measurement(capsys):
    guess("05.1", 7)
    reveal("05.1", torch.tensor(7.9512), "px", digits=3)
    assert said(capsys).endswith("05.1: measured 7.95 px (you guessed 7).\n")


def test_the_last_guess_counts_and_none_keeps_it(capsys):
    for answer in (1, 2.5, None):
        guess("05.1", answer)
    assert load()["guesses"] == {"05.1": 2.5}


@pytest.mark.parametrize("answer", ["half", [1], torch.ones(2), 1j])
def test_what_is_no_number_is_refused_in_words(capsys, answer):
    guess("05.1", answer)
    assert "a guess is one number" in said(capsys)
    assert load()["guesses"] == {}


def test_progress_begins_with_what_there_is_to_do(capsys):
    progress()
    words = said(capsys)
    for lesson in lessons_with_exercises():
        for exercise in exercises_of(lesson):
            assert exercise.id in words
    progress("98")
    assert said(capsys).startswith("Nothing yet")


def test_the_recap_of_a_lesson(capsys):
    guess("05.10", 4)
    guess("05.2", 0.5)
    guess("04.1", 3)
    reveal("05.2", 0.289, "px")
    reveal("05.3", 1)
    said(capsys)
    progress("05")
    rows = [line.split() for line in said(capsys).splitlines()]
    start = rows.index(["Question", "Your", "guess", "Measured"])
    assert rows[start + 1 :] == [
        ["05.2", "0.5", "0.289", "px"],
        ["05.3", "none", "1"],
        ["05.10", "4", "not", "yet"],
    ]


def test_what_is_solved_is_marked(capsys):
    lesson = lessons_with_exercises()[0]
    first, *others = exercises_of(lesson)
    update(lambda state: state["solved"].append(first.id))
    progress(lesson)
    words = said(capsys).splitlines()
    assert [line for line in words if line.split() == [first.id, "solved"]]
    assert len([line for line in words if line.endswith("to do")]) == len(others)
