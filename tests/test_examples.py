"""The examples in docstrings give what they say: every `>>>` of the package is run.

One file by hand: `python -m pytest --doctest-modules minseg/roi/align.py`
"""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("minseg/**/*.py"), *ROOT.glob("kernels/**/*.py")])
WITH_EXAMPLES = [path for path in FILES if ">>> " in path.read_text(encoding="utf-8")]


def name_of(path: Path) -> str:
    """The module's name: minseg.roi.align."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[parts[0] == "kernels" :]).removesuffix(".__init__")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=name_of)
def test_gives_what_it_says(path):
    if path.is_relative_to(ROOT / "kernels"):
        pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux only)")
    module = importlib.import_module(name_of(path))
    said: list[str] = []
    runner = doctest.DocTestRunner()
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert tests, "its examples are in no docstring"
    for test in tests:
        runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)
