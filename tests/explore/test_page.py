"""The scripts of the widgets: text reaches the page as text, whoever wrote it."""

import re

import pytest

from minseg.explore.base.page import EXPLORE, script

# What makes elements, or runs code, out of a string.
FROM_STRINGS = r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTML"
FROM_STRINGS += r"|document\.write|DOMParser|srcdoc|\beval\b|new Function|javascript:"
NAMES = sorted(path.parent.name for path in EXPLORE.glob("*/page.js"))


@pytest.mark.parametrize("name", NAMES)
def test_no_script_makes_html_of_strings(name):
    found = re.search(FROM_STRINGS, (EXPLORE / name / "page.js").read_text(encoding="utf-8"))
    assert not found, f"{name}/page.js: {found and found.group()}: use `html`, `svg` and `write`"


def test_the_shared_script_comes_first():
    both = script("mask_painter")
    assert both.index("const svg =") < both.index("export default")
