"""The table of losses in memory and as a file."""

import resource

import pytest

from minseg.train.log import Log, difference, read_rows

ROWS = [{"step": k, "loss": 1 / (k + 2), "ap": float("nan")} for k in range(1, 5)]


def written(file, rows=ROWS):
    log = Log(file)
    for row in rows:
        log.append(row)
    log.close()


def test_numbers_come_back_to_the_bit(tmp_path):
    written(tmp_path / "a.csv")
    assert repr(read_rows(tmp_path / "a.csv", 3)) == repr(ROWS[:3])
    log = Log(tmp_path / "a.csv", ROWS[:3])
    log.append(ROWS[3])
    log.close()
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "step,loss,ap" and [line[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    assert difference(tmp_path / "a.csv", ROWS) is None


def test_rows_are_there_as_soon_as_they_are_added(tmp_path):
    log = Log(tmp_path / "a.csv")
    log.append(ROWS[0])
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("1,0.333")


def test_a_new_table_replaces_an_old_one(tmp_path):
    written(tmp_path / "a.csv")
    assert Log(tmp_path / "a.csv") == [] and (tmp_path / "a.csv").read_text() == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-9], "ends early, after "),
        (lambda text: text.replace("2,0.25", "2,0.24"), "not what was written, from line 3 on"),
        (lambda text: text.replace("loss", "lost"), "not what was written, from line 1 on"),
        (lambda text: text.replace("\r\n", "\n"), "not what was written, from line 1 on"),
        (lambda text: text + "\udcff\udcfe", "goes on for 2 bytes after step 4"),
    ],
)
def test_what_differs_is_said_and_written_anew(change, words, tmp_path):
    file = tmp_path / "a.csv"
    written(file)
    right = file.read_bytes()
    file.write_bytes(change(right.decode()).encode(errors="surrogateescape"))
    assert words in difference(file, ROWS)
    Log(file, ROWS).close()
    assert file.read_bytes() == right


def test_a_file_without_a_checkpoint_gives_the_rows_that_are_rows(tmp_path):
    """As version 0.1 left it: whatever is torn, doubled or no number at all is passed over."""
    file = tmp_path / "a.csv"
    file.write_bytes(b'step,loss\r\n1,0.5\r\n2,x\r\n1,0.5\r\n3,0.4\n\xff\x00\n"4,\n5,0.3\n6,0.2\n')
    assert read_rows(file, 5) == [{"step": s, "loss": x} for s, x in ((1, 0.5), (3, 0.4), (5, 0.3))]
    assert read_rows(tmp_path / "none", 5) == []


def test_a_row_that_does_not_fit_is_not_half_there(tmp_path):
    """The system refuses to write beyond a limit, in the middle of a row."""
    log = Log(tmp_path / "a.csv")
    log.append(ROWS[0])
    before = (tmp_path / "a.csv").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 3, hard))
    try:
        with pytest.raises(OSError, match=r"a\.csv could not be written \(File too large\)"):
            log.append(ROWS[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "a.csv").read_bytes() == before


def test_without_a_file_rows_are_kept():
    log = Log(None)
    log.append(ROWS[0])
    log.sync()
    log.close()
    assert log == ROWS[:1]
