"""How far the work is: a bar on a terminal, one line elsewhere, nothing in a notebook."""

import pytest

from minseg.terminal import step_bar


def finished(**options):
    with step_bar(5, 3, **options) as advance:
        advance(5, "loss 1.000")
        advance(5, "loss 0.500")


def test_one_line_at_the_end_where_there_is_no_terminal(capsys):
    finished()
    assert capsys.readouterr() == ("", "5 steps, loss 0.500\n")


def test_silence_of_other_processes_and_of_notebooks(capsys, monkeypatch):
    finished(silent=True)
    monkeypatch.setattr("minseg.terminal.in_notebook", lambda: True)
    finished()
    assert capsys.readouterr() == ("", "")


def test_no_line_after_an_error(capsys):
    with pytest.raises(KeyError), step_bar(5) as advance:
        advance(5, "loss 1.000")
        raise KeyError
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    finished()
    said = capsys.readouterr().err
    assert "5/5" in said and "loss 0.500" in said
