"""Training cells are as long as the lesson says, or as short as the environment asks."""

import pytest

from minseg.course import lesson_steps
from minseg.course.steps import VARIABLE


@pytest.mark.parametrize(("said", "steps"), [(None, 200), ("", 200), ("8", 8), ("500", 200)])
def test_the_lesson_decides_unless_fewer_are_asked_for(said, steps, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    assert lesson_steps(200) == steps


@pytest.mark.parametrize("said", ["0", "-3", "few", "1.5"])
def test_says_what_it_needs(said, monkeypatch):
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ValueError, match=f"{VARIABLE} must be a number of steps"):
        lesson_steps(200)
