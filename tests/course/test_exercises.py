"""Every exercise of every unit: fit to teach with, and fair to those who try."""

import importlib.util
import inspect
import re
from importlib import import_module

import pytest

from minseg.course.catalogue import FOLDER
from minseg.course.check import judge
from minseg.course.exercise import call
from minseg.course.exercises import Exercise, audit, exercises_of, lessons_with_exercises

EXERCISES = [exercise for lesson in lessons_with_exercises() for exercise in exercises_of(lesson)]


@pytest.fixture(params=EXERCISES, ids=lambda exercise: exercise.id)
def exercise(request) -> Exercise:
    if request.param.id[:2] in ("23", "24") and importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed (it exists for Linux only): pip install triton")
    return request.param


@pytest.fixture
def plain(exercise) -> Exercise:
    """An exercise about a function; those about Triton kernels have tests of their own."""
    if not inspect.isfunction(exercise.reference):
        pytest.skip("a kernel: see test_kernel_exercises.py")
    return exercise


@pytest.mark.slow
def test_is_fit_to_teach_with(exercise):
    """Reference right, each mistake met with its own sentence, five mistakes, two hints."""
    assert audit(exercise) == []


def test_belongs_to_its_unit(exercise):
    assert exercise in exercises_of(exercise.id[:2])
    assert [other.id for other in EXERCISES].count(exercise.id) == 1


def test_an_id_names_its_file_and_a_file_its_id():
    """ "21.bilinear" is lesson_21/bilinear.py; whatever else lies there holds no exercise."""
    named = {f"lesson_{id[:2]}/{id[3:]}.py" for id in (exercise.id for exercise in EXERCISES)}
    files = {
        f"{file.parent.name}/{file.name}"
        for file in FOLDER.glob("lesson_*/*.py")
        if re.search(r"^[A-Z0-9_]+ = Exercise\(", file.read_text("utf-8"), re.MULTILINE)
    }
    assert named == files


def test_an_exercise_is_defined_in_its_file(exercise):
    lesson, name = exercise.id.split(".")
    module = import_module(f"minseg.course.exercises.lesson_{lesson}.{name}")
    assert exercise in vars(module).values()


@pytest.mark.slow
def test_is_judged_the_same_each_time(exercise):
    assert len(exercise.inputs()) == len(exercise.inputs()) >= 3
    for mistake, _ in list(exercise.mistakes.values())[:3]:
        assert judge(exercise, mistake) == judge(exercise, mistake)


def test_an_equivalent_rewrite_passes(plain):
    def rewritten(*args, **kwargs):
        return plain.reference(*args, **kwargs)

    assert judge(plain, rewritten) == (f"right, on all {len(plain.inputs())} cases.", True)


def test_precision_does_not_matter(exercise):
    """An answer in float64 is as right as one in float32."""
    if exercise.probe is not call:
        pytest.skip("the probe reads more than the returned value")

    def precise(*args, **kwargs):
        return doubled(exercise.reference(*args, **kwargs))

    def doubled(value):
        if isinstance(value, (tuple, list)):
            return type(value)(doubled(v) for v in value)
        floating = hasattr(value, "is_floating_point") and value.is_floating_point()
        return value.double() if floating else value

    assert judge(exercise, precise)[1]


def test_an_untouched_stub_is_not_attempted_yet(plain):
    def unfinished(*args, **kwargs):
        raise NotImplementedError

    for stub in (lambda *_, **__: None, lambda *_, **__: ..., unfinished):
        verdict, solved = judge(plain, stub)
        assert verdict.startswith("not attempted yet") and not solved


def test_an_exception_is_reported_with_its_cause(plain):
    def breaks(*args, **kwargs):
        return {}["a key that is missing"]

    verdict, solved = judge(plain, breaks)
    assert not solved
    assert "your code stopped with KeyError: 'a key that is missing'" in verdict
    assert 'in `breaks`: return {}["a key that is missing"]' in verdict


def test_mistakes_and_hints_are_sentences(exercise):
    said = [*exercise.hints, *(sentence for _, sentence in exercise.mistakes.values())]
    assert len(set(said)) == len(said)
    for sentence in said:
        assert sentence == sentence.strip() and sentence[-1] in ".?!" and len(sentence) > 15
