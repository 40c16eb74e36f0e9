"""Exercises are found by their ids; hints come one by one, and the solution is the package's."""

import pytest

from minseg.course.catalogue import exercises_of, find, hint, lessons_with_exercises, solution


def test_an_id_finds_its_exercise():
    assert find("00.area") is exercises_of("00")[0]
    assert find("21.bilinear").id == "21.bilinear"


def test_unknown_ids_are_named():
    with pytest.raises(ValueError, match=r"unit 00 \(00.area\), got '00.spam'"):
        find("00.spam")
    with pytest.raises(ValueError, match=r"unit xy \(none\)"):
        find("xyz")
    with pytest.raises(ValueError, match=r'id must be a text such as "21\.bilinear", got 5\.1'):
        find(5.1)


def test_lessons_are_in_order():
    lessons = lessons_with_exercises()
    assert lessons == sorted(lessons) and {"00", "21", "33"} <= {*lessons}
    assert exercises_of("99") == ()


def test_hints_come_one_by_one(capsys, monkeypatch):
    monkeypatch.setattr("minseg.course.catalogue._hints_given", {})
    for start in ("hint 1 of 2: Each row", "hint 2 of 2: Width is", "hint 2 of 2: Width is"):
        hint("00.area")
        assert capsys.readouterr().out.startswith(f"00.area, {start}")
    hint("00.area")
    assert 'solution("00.area")' in capsys.readouterr().out


def test_solution_is_the_reference(capsys):
    solution("00.area")
    assert "def box_area(boxes: Tensor) -> Tensor:" in capsys.readouterr().out
