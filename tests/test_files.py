"""Files are there in full or not at all, whatever happens while they are written."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minseg.files import draft_of, drafts_in, write_whole, written_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written_in_full_with_the_mode_that_the_umask_asks_for(tmp_path):
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == ["a"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_an_error_halfway_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), written_whole(tmp_path / "a") as stream:
        stream.write("half")
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_files_of_a_folder_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "kept").write_text("old")
    with drafts_in(tmp_path) as drafts:
        (drafts / "below").mkdir()
        (drafts / "a").write_text("new")
        (drafts / "below" / "b").write_text("new")
        assert not (tmp_path / "a").exists()
    assert names(tmp_path) == ["a", "below", "kept"] and names(tmp_path / "below") == ["b"]
    for folder in (tmp_path, tmp_path / "made"):
        with pytest.raises(RuntimeError), drafts_in(folder) as drafts:
            (drafts / "c").write_text("half")
            raise RuntimeError
    assert names(tmp_path) == ["a", "below", "kept"]


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_is_said_in_one_line(tmp_path, there):
    file = tmp_path / "a"
    if there:
        file.write_text("old")
    with pytest.raises(OSError) as caught, draft_of(file):
        raise OSError(errno.ENOSPC, "No space left on device")
    end = "the one that was there is untouched" if there else "nothing is there"
    assert caught.value.strerror == f"{file} could not be written (the disk is full); {end}"
    assert names(tmp_path) == (["a"] if there else [])


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "precious").write_text("old")
    (tmp_path / "a").symlink_to(tmp_path / "precious")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "precious").read_text() == "old" and not (tmp_path / "a").is_symlink()


def test_drafts_of_the_dead_are_cleared_and_those_of_the_living_are_not(tmp_path):
    killed = "import os; from minseg.files import draft_of\nwith draft_of({!r}): os._exit(9)"
    subprocess.run([sys.executable, "-c", killed.format(str(tmp_path / "a"))], check=False)
    (left,) = names(tmp_path)
    assert left.startswith(".a.") and left.endswith(".tmp")
    with draft_of(tmp_path / "a") as ours:
        assert not (tmp_path / left).exists()
        write_whole(tmp_path / "a", b"another")
        assert ours.exists()
    assert names(tmp_path) == ["a"]


def test_names_as_long_as_the_system_allows_and_with_signs_of_a_glob(tmp_path):
    for name in ("x" * 255, "a[1]*?"):
        write_whole(tmp_path / name, b"")
        write_whole(tmp_path / name, b"")
        assert (tmp_path / name).exists()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*none is not there"):
        write_whole(tmp_path / "none" / "a", b"")
