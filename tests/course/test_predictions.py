"""Guesses, reveals, and the table that puts them side by side."""

import numpy as np
import pytest
import torch

from minseg.course import guess, progress, reveal
from minseg.course.entries import empty
from minseg.course.exercises import exercises_of, lessons_with_exercises
from minseg.course.state import FILE_NAME, load, update


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))


def said(capsys):
    return capsys.readouterr().out


def test_run_all_never_blocks(capsys):
    guess("21.1", None)
    assert "put your number in place of None" in said(capsys)
    reveal("21.1", 8.0, "px")
    assert said(capsys) == "21.1: measured 8 px (you did not guess).\n"


def test_a_guess_stands_beside_the_measurement(capsys):
    guess("21.1", 7)
    reveal("21.1", torch.tensor(7.9512), "px", digits=3)
    assert said(capsys).endswith("21.1: measured 7.95 px (you guessed 7).\n")


def test_the_last_guess_counts_and_none_keeps_it(capsys):
    for answer in (1, 2.5, None):
        guess("21.1", answer)
    assert load()["guesses"] == {"21.1": 2.5}


NO_NUMBERS = ["half", [1], torch.ones(2), torch.tensor(1j), 1j, 10**400, 10**5000]


@pytest.mark.parametrize("answer", [*NO_NUMBERS, float("inf"), float("nan")], ids=range(9))
def test_what_is_no_number_is_refused_in_words(capsys, answer):
    guess("21.1", answer)
    words = said(capsys)
    assert "21.1: a guess is one number, such as 0.5; got " in words
    assert words.count("\n") == 1 and len(words) < 150
    assert load()["guesses"] == {}


@pytest.mark.parametrize("value", NO_NUMBERS, ids=range(7))
def test_what_is_no_measurement_is_refused_in_words(capsys, value):
    reveal("21.1", value)
    assert said(capsys).startswith("21.1: what is measured is one number, such as 0.5; got ")
    assert load()["measured"] == {}


@pytest.mark.parametrize("answer", [torch.tensor([2]), np.float32(2), np.int64(2), "2", True + 1])
def test_numbers_of_all_kinds_are_kept(answer):
    guess("21.1", answer)
    assert load()["guesses"] == {"21.1": 2.0}


@pytest.mark.parametrize("question", [5.1, None, "", " 21.1", "<b>21</b>", "\ud800", "x" * 65])
def test_what_is_no_question_is_refused_in_words(capsys, question):
    for ask, words in ((guess, "guess: "), (reveal, "reveal: ")):
        ask(question, 1)
        assert said(capsys).startswith(
            f'{words}a question is named by a text such as "21.q_shift"; got'
        )
    assert load() == empty()


def test_spaces_of_any_kind_are_kept_as_plain_ones(capsys):
    reveal("21.1", 8.0, "\N{THIN SPACE}px\N{NO-BREAK SPACE}²")
    assert load()["measured"] == {"21.1": "8 px ²"}


@pytest.mark.parametrize("unit", ["\ud800", "\x1b[2J", "x" * 500, None, 5])
def test_a_unit_that_cannot_be_shown_is_left_out(capsys, unit):
    reveal("21.1", 8.0, unit)
    words = said(capsys).splitlines()
    assert words[0].startswith('21.1: a unit is a short text, such as "px"; got')
    assert words[1:] == ["21.1: measured 8 (you did not guess)."]
    assert load()["measured"] == {"21.1": "8"}


def test_progress_begins_with_what_there_is_to_do(capsys):
    progress()
    words = said(capsys)
    for lesson in lessons_with_exercises():
        for exercise in exercises_of(lesson):
            assert exercise.id in words
    progress("98")
    assert said(capsys).startswith("Nothing yet")


def test_the_recap_of_a_lesson(capsys):
    guess("21.10", 4)
    guess("21.2", 0.5)
    guess("20.1", 3)
    reveal("21.2", 0.289, "px")
    reveal("21.3", 1)
    said(capsys)
    progress("21")
    rows = [line.split() for line in said(capsys).splitlines()]
    start = rows.index(["Question", "Your", "guess", "Measured"])
    assert rows[start + 1 :] == [
        ["21.2", "0.5", "0.289", "px"],
        ["21.3", "none", "1"],
        ["21.10", "4", "not", "yet"],
    ]


def test_text_of_a_strangers_file_is_shown_and_not_run(capsys, tmp_path):
    (tmp_path / FILE_NAME).write_text('{"measured": {"21.1": "<img src=x onerror=alert(1)>|"}}')
    progress("21")
    assert "<img src=x onerror=alert(1)>|" in said(capsys)
    (tmp_path / FILE_NAME).write_text('{"measured": {"21.<script>": "1"}}')
    with pytest.warns(UserWarning, match="must map ids to text, got '21.<script>': '1'"):
        progress("21")
    assert "script" not in said(capsys)


def test_odd_ids_of_a_strangers_file_have_an_order(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"guesses": {"21.²": 1, "21.1": 2, "é": 3}}')
    progress()


def test_what_is_solved_is_marked(capsys):
    lesson = lessons_with_exercises()[0]
    first, *others = exercises_of(lesson)
    update(lambda state: state["solved"].append(first.id))
    progress(lesson)
    words = said(capsys).splitlines()
    assert [line for line in words if line.split() == [first.id, "solved"]]
    assert len([line for line in words if line.endswith("to do")]) == len(others)
