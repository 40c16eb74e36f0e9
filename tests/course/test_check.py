"""`check` and `audit`, on an exercise small enough to see through."""

import functools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from jupyter_client.manager import start_new_kernel

from minseg.course.attempt import run
from minseg.course.check import audit, check, judge
from minseg.course.compare import describe
from minseg.course.exercise import Exercise
from minseg.course.state import load


def span(values):
    """The largest minus the smallest, 0 for none."""
    return values.max() - values.min() if values.numel() else values.new_zeros(())


def in_place(values):
    values -= values.min()
    return values.max()


def crashes_on_empty(values):
    return values.max() - values.min().abs()


def cases(generator):
    yield (torch.tensor([3.0, 1.0, 2.0]),)
    yield (torch.tensor([-1.0, -4.0]),)
    yield (torch.empty(0),)
    yield (torch.rand(4, 6, generator=generator)[:, ::2],)


SPAN = Exercise(
    "99.span",
    reference=span,
    cases=cases,
    hints=("Which two values matter?", "Subtract the smallest from the largest."),
    mistakes={
        "largest": (lambda v: v.max() if v.numel() else v.sum(), "That is the largest value."),
        "smallest": (lambda v: v.min() if v.numel() else v.sum(), "That is the smallest value."),
        "backwards": (lambda v: -span(v), "Yours is negative: swap the two."),
        "first_last": (lambda v: v[-1] - v[0], "First and last are not smallest and largest."),
        "crashes": (crashes_on_empty, "Mind the sign of the smallest."),
    },
)


@pytest.fixture(autouse=True)
def span_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path))
    monkeypatch.setattr(
        "minseg.course.catalogue.exercises_of", lambda lesson: (SPAN,) if lesson == "99" else ()
    )


def said(capsys, fn):
    check("99.span", fn)
    return capsys.readouterr().out


def test_right_is_recorded(capsys):
    assert said(capsys, span) == "99.span: right, on all 4 cases.\n"
    assert load()["solved"] == ["99.span"]
    said(capsys, torch.max)
    assert load()["solved"] == ["99.span"]  # a later slip takes nothing away


def test_a_known_mistake_hears_its_sentence(capsys):
    words = said(capsys, lambda v: v.max() if v.numel() else torch.tensor(0.0))
    assert words == (
        "99.span: That is the largest value.\n"
        "  case 1 of 4: values = float32 tensor (3,) [3.0, 1.0, 2.0]\n"
        "  yours is 3, right is 2\n"
    )
    assert load()["solved"] == []


def test_a_mistake_is_known_where_it_crashes_too(capsys):
    assert "Mind the sign" in said(capsys, crashes_on_empty)

    def does_not_crash(values):
        return crashes_on_empty(values) if values.numel() else torch.tensor(0.0)

    assert "Mind the sign" in said(capsys, does_not_crash)

    def another_value_there(values):
        return crashes_on_empty(values) if values.numel() else torch.tensor(7.0)

    assert "The first difference" in said(capsys, another_value_there)


def test_something_else_is_shown_not_named(capsys):
    words = said(capsys, lambda v: v.sum())
    assert "not yet. The first difference:" in words and "yours is 6, right is 2" in words


def test_an_error_is_told_with_the_learners_line(capsys):
    def mine(values):
        return span(values[0, 0])

    words = said(capsys, mine)
    assert "your code stopped with IndexError: too many indices" in words
    assert "in `mine`: return span(values[0, 0])" in words
    assert "yours raised IndexError, right is float32 tensor () 2.0" in words


def test_a_value_with_which_nothing_can_be_compared(capsys):
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    assert "99.span: not yet" in said(capsys, lambda v: Odd())
    assert "99.span: not yet" in said(capsys, lambda v: np.array(["a"], dtype=object))


def test_a_called_function_is_a_slip(capsys):
    check("99.span", span(torch.ones(2)))
    assert 'pass the function itself, `check("99.span", name)`' in capsys.readouterr().out


def test_edits_in_place_poison_nothing(capsys):
    def zeroes(values):
        return values.zero_().sum()

    assert "yours is 0, right is 2" in said(capsys, zeroes)

    given = torch.tensor([3.0, 1.0])
    keeps_one = Exercise("99.keep", span, lambda generator: [(given,)] * 3, SPAN.hints, {})
    assert judge(keeps_one, in_place)[1] and given.tolist() == [3, 1]


def test_the_reference_runs_once_for_each_case():
    calls = []
    counted = Exercise("99.count", lambda v: calls.append(v) or span(v), cases, SPAN.hints, {})
    assert judge(counted, span)[1] and judge(counted, span)[1]
    assert len(calls) == 4


def test_inputs_keep_their_strides():
    seen = []
    judge(SPAN, lambda v: seen.append(v.is_contiguous()))
    assert seen == [True, True, True, False]


def test_the_reference_may_refuse():
    def refuses(values):
        if not values.numel():
            raise ValueError("values must not be empty")
        return values.max()

    strict = Exercise("99.strict", refuses, cases, SPAN.hints, {})
    assert judge(strict, refuses)[1]
    verdict, solved = judge(strict, lambda v: v.max() if v.numel() else v.sum())
    assert not solved and "right is to raise ValueError" in verdict


def test_a_probe_decides_what_is_compared():
    def gradient(fn, values):
        values = values.clone().requires_grad_()
        fn(values).backward()
        return values.grad

    square = Exercise(
        "99.square",
        lambda v: (v**2).sum(),
        lambda generator: [(torch.rand(3, generator=generator),)],
        SPAN.hints,
        {},
        probe=gradient,
    )
    assert judge(square, lambda v: (v**2).sum() + 5)[1]  # its gradient is the same
    assert not judge(square, lambda v: (v.detach() ** 2).sum() + v.sum())[1]
    assert "not attempted yet" in judge(square, lambda v: None)[0]


def test_unknown_ids_are_named():
    with pytest.raises(ValueError, match=r"unit 99 \(99.span\), got '99.spam'"):
        check("99.spam", span)
    with pytest.raises(ValueError, match="id must be like"):
        Exercise("span", span, cases, (), {})


# ---- Code that has not begun, and code that fails


def todo(values):
    """A stub, as lessons have it."""
    raise NotImplementedError


def todo_in_words(values):
    top = values.max() if values.numel() else 0
    raise NotImplementedError(f"what to do with {top}?")


@pytest.mark.parametrize(
    "stub", [todo, todo_in_words, functools.partial(todo), torch.no_grad()(todo)]
)
def test_a_stub_is_not_attempted_yet(capsys, stub):
    assert said(capsys, stub).startswith("99.span: not attempted yet.")


def product_of_bools(values):
    return torch.ones(2, 2, dtype=torch.bool) @ torch.ones(2, 2, dtype=torch.bool)


def pooled_bools(values):
    return torch.nn.functional.max_pool2d(torch.ones(1, 4, 4, dtype=torch.bool), 2)


def raised_again(values):
    try:
        return product_of_bools(values)
    except NotImplementedError:
        raise


def calls_a_stub(values):
    return todo(values)


@pytest.mark.parametrize("fn", [product_of_bools, pooled_bools, raised_again, calls_a_stub])
def test_what_an_operation_cannot_do_is_an_error(capsys, fn):
    words = said(capsys, fn)
    assert "your code stopped with NotImplementedError" in words
    assert "not attempted" not in words and "in `" in words


def test_a_stub_that_is_begun_is_judged(capsys):
    def half(values):
        if not values.numel():
            raise NotImplementedError
        return span(values)

    assert "your code stopped with NotImplementedError\n  in `half`" in said(capsys, half)


# ---- Whatever a function does, the lesson goes on


class UnspeakableError(ValueError):
    def __str__(self):
        raise RuntimeError("no words")


def raises(error):
    def fn(values):
        raise error

    return fn


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "your code stopped with SystemExit: 3"),
        (
            UnspeakableError(),
            "your code stopped with UnspeakableError: (its message cannot be shown)",
        ),
        (GeneratorExit(), "your code stopped with GeneratorExit"),
        (ValueError("x" * 10**6), "your code stopped with ValueError: xxx"),
        (ValueError("\ud800"), "your code stopped with ValueError: ?"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_exception_is_reported(capsys, error, words):
    told = said(capsys, raises(error))
    assert words in told and len(told) < 2000


class Nameless:
    def __repr__(self):
        raise RuntimeError("no name")

    def __eq__(self, other):
        sys.exit(1)

    __hash__ = None


DEEP = [[[[[0] * 100] * 100] * 100] * 100] * 100
ODD_VALUES = [
    *([0] * 10**6, "x" * 10**6, DEEP, Nameless(), 10**5000, {k: k for k in range(10**5)}),
    *(torch.ones(3, device="meta"), torch.eye(3).to_sparse()),
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=range(8))
def test_any_value_is_reported_in_a_few_words(capsys, value):
    begun = time.monotonic()
    told = said(capsys, lambda values: value)
    assert told.startswith("99.span: not yet") and len(told) < 3000
    assert time.monotonic() - begun < 5
    assert len(describe(value)) < 1100


def test_a_closed_stdout_ends_nothing(monkeypatch, tmp_path):
    with open(tmp_path / "out", "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)

        def closes(values):
            closed.close()
            return span(values)

        check("99.span", closes)
    assert load()["solved"] == ["99.span"]


# ---- Code that takes long

LOOPS = """
import sys, time
from minseg.course import check
sys.modules["minseg.course.attempt"].SLOW = 0.3

def loops(boxes):
    print("begun", flush=True)
    while True:
        time.sleep(0.01)

check("00.area", loops)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a Unix signal")
def test_slow_code_hears_how_to_stop_and_an_interrupt_ends_only_it():
    code = LOOPS + 'print("the next cell")'
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == (
        "00.area: your code has been running for 0.3 s. "
        "To stop it, press ■ above the notebook; in a terminal, Ctrl-C.\n"
    )
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert told.splitlines() == [
        "00.area: interrupted, so nothing was judged. Mend the function and run the cell again.",
        "the next cell",
    ]
    assert process.returncode == 0


def test_quick_code_hears_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules[run.__module__], "SLOW", 0.2)
    told = said(capsys, span)
    time.sleep(0.3)
    assert told == "99.span: right, on all 4 cases.\n" and not capsys.readouterr().out


@pytest.mark.slow
def test_in_a_notebook_the_cell_hears_it_and_the_next_one_runs():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        cell, heard, interrupted = client.execute(LOOPS), "", False
        while (message := client.get_iopub_msg(timeout=120))["content"] != {
            "execution_state": "idle"
        } or message["parent_header"].get("msg_id") != cell:
            if message["msg_type"] == "stream":
                assert message["parent_header"]["msg_id"] == cell
                heard += message["content"]["text"]
            if "running for 0.3 s" in heard and not interrupted:
                manager.interrupt_kernel()
                interrupted = True
        assert "interrupted, so nothing was judged" in heard
        reply = client.execute_interactive("assert loops.__name__ == 'loops'", timeout=60)
        assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def audited(**changes):
    parts = {name: getattr(SPAN, name) for name in SPAN.__dataclass_fields__}
    return " ".join(audit(Exercise(**{**parts, **changes})))


def test_audit_finds_a_bad_exercise():
    assert audit(SPAN) == []
    largest = SPAN.mistakes["largest"]
    assert "at least 2" in audited(hints=())
    assert "at least 5" in audited(mistakes={"largest": largest})
    same = {**SPAN.mistakes, "same": (span, "No mistake at all.")}
    assert "same passes: no case tells it from the reference" in audited(mistakes=same)
    twin = {**SPAN.mistakes, "twin": (largest[0], "Said differently.")}
    assert "largest and twin are alike" in audited(mistakes=twin)
    assert "twin is not recognised" in audited(mistakes=twin)
    drawn = torch.Generator().manual_seed(0)
    assert "does not pass" in audited(reference=lambda v: torch.rand(3, generator=drawn))
