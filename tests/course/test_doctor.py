"""The check-up: right about what is missing, and with a way to mend it."""

import re
import subprocess
import sys

import pytest

from minseg.__main__ import main
from minseg.course import doctor
from minseg.course.doctor import Finding, bf16, memory, package, python, state_folder, triton

MODULE = sys.modules["minseg.course.doctor"]  # in the package, `doctor` names the function


def test_an_old_python_is_told_from_a_new_one():
    assert not python((3, 10, 14)).ok and "3.11" in python((3, 10, 14)).fix
    assert python((3, 11, 0)).ok and python((3, 14, 0)).ok


@pytest.mark.parametrize(
    "installed, at_least, ok",
    [
        ("2.8.0", "2.8", True),
        ("2.10.1", "2.8", True),
        ("2.7.9", "2.8", False),
        ("2.13.0+cpu", "2.8", True),
        ("0.9.13", "0.9.13", True),
        ("0.10.0rc1", "0.9.13", True),
    ],
)
def test_versions_are_numbers_not_text(monkeypatch, installed, at_least, ok):
    monkeypatch.setattr(MODULE, "version", lambda name: installed)
    finding = package("torch", at_least)
    assert finding.ok == ok and finding.found.startswith(installed)
    assert ok or at_least in finding.found


def test_a_missing_package_comes_with_its_command():
    line = str(package("a-package-that-is-not-there", "1"))
    assert line.startswith("missing   a-package-that-is-not-there: not installed")
    assert "pip install" in line


def test_a_folder_that_cannot_be_written_is_no_obstacle(monkeypatch, tmp_path):
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path / "new"))
    assert state_folder().ok
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINSEG_STATE", str(tmp_path / "file"))
    finding = state_folder()
    assert not finding.ok and finding.optional and "MINSEG_STATE" in finding.fix


def test_a_small_machine_is_warned():
    assert not memory(needed=1e9).ok and memory(needed=1e9).optional


def test_triton_is_expected_on_linux_only():
    elsewhere = triton("Darwin")
    assert elsewhere.optional and "does not exist for Darwin" in elsewhere.found


def test_whether_bf16_is_quicker_is_told_with_a_factor():
    finding = bf16()
    assert finding.ok or finding.optional
    assert re.fullmatch(r"(on|off); a convolution takes \S+ times as long in it", finding.found)


def checks(monkeypatch, *findings):
    monkeypatch.setattr(MODULE, "CHECKS", [lambda f=f: f for f in findings])


GOOD = Finding("Python", "3.12.0", True)
NO_GPU = Finding("CUDA GPU", "none", False, optional=True)
NO_TORCH = Finding("torch", "not installed", False, "python -m pip install torch")


def test_what_is_optional_never_fails(monkeypatch, capsys):
    checks(monkeypatch, GOOD, NO_GPU)
    assert doctor() is True
    words = capsys.readouterr().out
    assert words.splitlines()[:2] == ["ok        Python: 3.12.0", "optional  CUDA GPU: none"]


def test_what_is_missing_does(monkeypatch, capsys):
    checks(monkeypatch, GOOD, NO_TORCH, NO_GPU)
    assert doctor() is False
    words = capsys.readouterr().out
    assert "missing   torch: not installed\n          → python -m pip install torch" in words
    assert words.endswith("Missing: torch.\n")


def test_the_exit_status_tells(monkeypatch, capsys):
    checks(monkeypatch, GOOD)
    assert main(["doctor"]) == 0
    checks(monkeypatch, NO_TORCH)
    assert main(["doctor"]) == 1
    with pytest.raises(SystemExit, match="2"):
        main([])


@pytest.mark.slow
def test_from_the_command_line():
    command = [sys.executable, "-m", "minseg", "doctor"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stdout.startswith("ok        Python: 3.") and result.stderr == ""
    assert result.returncode == (1 if "\nmissing" in result.stdout else 0)


WITHOUT_TORCH = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Missing())
from minseg.__main__ import main
sys.exit(main(["doctor"]))
"""


def test_where_torch_is_missing_it_is_named():
    command = [sys.executable, "-c", WITHOUT_TORCH]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr == ""
    assert "missing   torch: not installed" in result.stdout
