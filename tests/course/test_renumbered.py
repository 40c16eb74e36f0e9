"""What learners did in the earlier course: brought up to date once, and nothing of it lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from minseg.boxes import box_area
from minseg.course import check, guess, hint, progress, reveal, solution, state
from minseg.course.catalogue import find, lessons_with_exercises
from minseg.course.entries import VERSION, encode, parse
from minseg.course.renumbered import EXERCISES, LESSONS, QUESTIONS, exercise_today, renumber
from minseg.course.state import FILE_NAME, load, update

ASKED = {old for old, new in EXERCISES.items() if new}  # today as well
# A learner who did all of it: every exercise, a guess and a measurement for every question.
OLD = {
    "solved": sorted(["00.area", *EXERCISES, "my.own"]),
    "guesses": {**{id: k / 2 for k, id in enumerate(QUESTIONS)}, "my own": 4},
    "measured": {id: f"{k} px" for k, id in enumerate(QUESTIONS)},
    "badges": ["first"],
}


@pytest.fixture
def file(monkeypatch, tmp_path):
    """A progress file of the earlier course, full."""
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))
    monkeypatch.setattr("minseg.course.state._waiting", {})
    (tmp_path / FILE_NAME).write_text(json.dumps(OLD))
    return tmp_path / FILE_NAME


def touch():
    """Write the file anew, with nothing added."""
    update(lambda _: None)


# ---- The table


@pytest.mark.parametrize("old", sorted(ASKED))
def test_an_exercise_of_the_earlier_course_is_found(old):
    assert find(old).id == EXERCISES[old] == exercise_today(old)
    assert old[3:] == EXERCISES[old][3:], "only numbers have changed"
    assert EXERCISES[old] not in EXERCISES, "no new id was an old one"


def test_no_question_of_today_has_a_number_for_a_name():
    assert all(re.fullmatch(r"\d\d\.\d", old) for old in QUESTIONS)
    assert all(re.fullmatch(r"|\d\d\.q_\w+", new) for new in QUESTIONS.values())


@pytest.mark.parametrize("today", sorted({*QUESTIONS.values()} - {""}))
def test_a_question_that_lives_on_is_asked_in_its_unit(today):
    (source,) = (Path(__file__).parents[2] / "lessons" / "src").glob(f"{today[:2]}_*.py")
    assert f'guess("{today}"' in source.read_text(encoding="utf-8")


def test_units_that_took_an_exercise_are_those_that_took_its_lesson():
    for old, new in EXERCISES.items():
        if not new:
            continue
        (units,) = [units for name, units in LESSONS.items() if name[:2] == old[:2]]
        assert new[:2] in units, old


# ---- The file


def test_a_full_file_is_brought_up_to_date_and_nothing_is_lost(file):
    touch()
    new = json.loads(file.read_text())
    assert new["version"] == VERSION and new["badges"] == ["first"]
    today = [id for id in EXERCISES.values() if id]
    assert new["solved"] == sorted(["00.area", *today, "my.own"])
    assert new["earlier"]["solved"] == [id for id in EXERCISES if id not in ASKED]
    for name in ("guesses", "measured"):
        kept = {**new["earlier"][name], **new[name]}
        assert kept == {QUESTIONS.get(id) or id: value for id, value in OLD[name].items()}
        assert not set(new[name]) & set(QUESTIONS)


def test_reading_alone_writes_nothing_and_knows_it_all(file):
    before = file.read_bytes()
    read = load()
    assert file.read_bytes() == before
    touch()
    assert load() == read


def test_a_file_that_is_up_to_date_stays_as_it_is(file):
    touch()
    once = file.read_bytes()
    touch()
    assert file.read_bytes() == once


def test_what_an_earlier_kernel_still_writes_is_brought_up_to_date_too(file):
    """It was running while minseg was updated, and knows nothing of versions."""
    touch()
    late = json.loads(file.read_text())
    late["solved"].append("13.average")
    late["solved"].remove("34.average")
    late["guesses"]["13.1"] = 9
    file.write_text(json.dumps(late))
    touch()
    new = json.loads(file.read_text())
    assert "34.average" in new["solved"] and "13.average" not in new["solved"]
    assert new["earlier"]["guesses"]["13.1"] == 9


def test_an_answer_under_the_new_id_is_the_later_one(monkeypatch):
    monkeypatch.setitem(QUESTIONS, "05.1", "21.q_answers")
    data = {"guesses": {"05.1": 1, "21.q_answers": 2}, "measured": {"05.1": "16"}}
    new = parse(json.dumps(data).encode())
    assert new["guesses"] == {"21.q_answers": 2} and new["earlier"]["guesses"] == {"05.1": 1}
    assert new["measured"] == {"21.q_answers": "16"}


def test_what_has_no_place_today_is_kept_apart():
    new = parse(b'{"solved": ["03.dice", "01.boxes"]}')
    assert new["solved"] == ["10.boxes"] and new["earlier"]["solved"] == ["03.dice"]
    again = parse(encode(new))
    renumber(again)
    assert again == new


@pytest.mark.parametrize("damage", [b'{"solved": ["01.boxes"', b'{"solved": {"01.boxes": true}}'])
def test_a_broken_old_file_is_set_aside_whole(file, damage):
    file.write_bytes(damage)
    with pytest.warns(UserWarning, match="set aside as minseg-progress-damaged-"):
        touch()
    (aside,) = file.parent.glob("minseg-progress-damaged-*.json")
    assert aside.read_bytes() == damage


@pytest.mark.parametrize("version", [str(VERSION + 1), "1" + "0" * 400])
def test_a_file_of_a_later_version_is_never_written(file, version, capsys):
    """Not read, either: what it says may mean something else by then."""
    later = f'{{"version": {version}, "solved": "all of it"}}'
    file.write_text(later)
    with pytest.warns(UserWarning, match=rf"is of version 10*.*|knows {VERSION}: update it"):
        guess("21.q_a", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        reveal("21.q_a", 3)
        assert load()["guesses"] == {"21.q_a": 2}  # while the kernel lives
        check("00.area", box_area)
        progress("00")
    assert "solved" in capsys.readouterr().out
    assert file.read_text() == later
    assert [path.name for path in file.parent.glob("*.json")] == [FILE_NAME]


# Without torch, which the rest of `minseg.course` needs, a process is there in a blink.
WRITER = """
import sys, types
package = sys.modules["minseg.course"] = types.ModuleType("minseg.course")
package.__path__ = [sys.argv[1]]
from minseg.course.state import update
print("ready", flush=True)
input()
update(lambda state: state["guesses"].update({f"{sys.argv[2]}.q_new": 1}))
"""


def test_two_processes_that_migrate_at_once_agree(file):
    package = Path(state.__file__).parent
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, package, name], text=True, **pipes)
        for name in ("21", "33")
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, trouble = process.communicate(timeout=120)
        assert process.returncode == 0 and not trouble, trouble
    new, expected = json.loads(file.read_text()), parse(json.dumps(OLD).encode())
    expected["guesses"] |= {"21.q_new": 1, "33.q_new": 1}
    assert new == expected


# ---- Old notebooks, and the recap


def test_an_old_id_is_judged_and_answered_with_the_new_one(file, capsys, monkeypatch):
    monkeypatch.setattr("minseg.course.catalogue._hints_given", {})
    file.unlink()
    check("05.bilinear", find("05.bilinear").reference)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "05.bilinear is 21.bilinear now."
    assert said[1].startswith("21.bilinear: right, on all")
    assert load()["solved"] == ["21.bilinear"]
    hint("05.bilinear")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "05.bilinear is 21.bilinear now."
    assert said[1].startswith("21.bilinear, hint 1 of ")
    solution("05.bilinear")
    assert capsys.readouterr().out.startswith("05.bilinear is 21.bilinear now.\ndef bilinear_")


def test_an_exercise_that_is_asked_no_more_says_so(file, capsys):
    for ask in (hint, solution, lambda id: check(id, box_area)):
        ask("03.dice")
        said = capsys.readouterr().out
        assert said == (
            "03.dice was an exercise of the earlier course, and is asked no more: see 14 and 15.\n"
        )


def test_a_question_of_old_does_not_count_for_the_unit_of_its_number(file, capsys):
    file.unlink()
    guess("13.1", 0.5)
    reveal("13.1", 0.6)
    assert capsys.readouterr().out.endswith("13.1: measured 0.6 (you guessed 0.5).\n")
    assert load()["guesses"] == load()["measured"] == {}
    assert load()["earlier"]["guesses"] == {"13.1": 0.5}
    guess("13.q_slope", 2)
    progress("13")
    said = capsys.readouterr().out
    assert "13.q_slope" in said and "13.1" not in said
    assert said.endswith("Lesson 13 of the earlier course: 33 and 34 ask its questions now.\n")


def test_the_whole_recap_has_one_line_on_what_is_kept(file, capsys):
    progress()
    *_, last = capsys.readouterr().out.splitlines()
    kept = sum(not new for new in [*QUESTIONS.values(), *EXERCISES.values()])
    assert last.startswith(f"{kept} answers of the earlier course") and FILE_NAME in last
    file.write_text('{"guesses": {"13.1": 1}}')
    progress()
    assert "\n1 answer of the earlier course" in capsys.readouterr().out
    file.unlink()
    progress()
    assert "earlier" not in capsys.readouterr().out


def test_an_old_lesson_still_has_its_recap(file, capsys):
    progress("05")
    words = capsys.readouterr().out
    for line in ("21.bilinear", "22.roi_align"):
        assert re.search(rf"^{line} +solved$", words, re.MULTILINE)
    assert re.search(r"^05\.1 ", words, re.MULTILINE)
    assert words.endswith("Lesson 05 of the earlier course: 21 and 22 ask its questions now.\n")
    assert "05" not in lessons_with_exercises()
