"""The table of losses as a file, and what training says where nobody looks at a bar."""

import pytest

from minseg.train.bar import Bar
from minseg.train.log import Log

ROWS = [{"step": k, "loss": 1 / (k + 2), "ap": float("nan")} for k in range(1, 5)]


def written(file, rows=ROWS):
    log = Log(file)
    for row in rows:
        log.add(row)
    log.close()


def test_numbers_come_back_to_the_bit(tmp_path):
    written(tmp_path / "a.csv")
    log = Log(tmp_path / "a.csv", upto=3)
    assert repr(log.rows) == repr(ROWS[:3])
    log.add(ROWS[3])
    log.close()
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "step,loss,ap" and [line[0] for line in lines[1:]] == ["1", "2", "3", "4"]


def test_rows_are_there_as_soon_as_they_are_added(tmp_path):
    log = Log(tmp_path / "a.csv")
    log.add(ROWS[0])
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("1,0.333")


def test_a_new_table_replaces_an_old_one(tmp_path):
    written(tmp_path / "a.csv")
    assert Log(tmp_path / "a.csv").rows == [] and (tmp_path / "a.csv").read_text() == ""


def test_damage_before_the_checkpoint_is_not_passed_over(tmp_path):
    written(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    for broken in ("2,0.2", "2,x,nan", ",0.2,nan"):
        (tmp_path / "a.csv").write_text("\n".join([*lines[:2], broken, *lines[3:]]))
        with pytest.raises(ValueError, match=r"a\.csv: line 3 is damaged"):
            Log(tmp_path / "a.csv", upto=3)


def test_without_a_file_rows_are_kept():
    log = Log(None, upto=7)
    log.add(ROWS[0])
    log.sync()
    log.close()
    assert log.rows == ROWS[:1]


def finished(**options):
    with Bar(5, 3, **options) as bar:
        bar.advance(5, "loss 1.000")
        bar.advance(5, "loss 0.500")


def test_one_line_at_the_end_where_there_is_no_terminal(capsys):
    finished()
    assert capsys.readouterr() == ("", "5 steps, loss 0.500\n")


def test_silence_of_other_processes_and_of_notebooks(capsys, monkeypatch):
    finished(silent=True)
    monkeypatch.setattr("minseg.train.bar._in_notebook", lambda: True)
    finished()
    assert capsys.readouterr() == ("", "")


def test_no_line_after_an_error(capsys):
    with pytest.raises(KeyError), Bar(5) as bar:
        bar.advance(5, "loss 1.000")
        raise KeyError
    assert capsys.readouterr().err == ""


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    finished()
    said = capsys.readouterr().err
    assert "5/5" in said and "loss 0.500" in said
