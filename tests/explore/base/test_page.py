"""The scripts and styles of the widgets: the shared part first, and text stays text."""

import re

import pytest

from minseg.explore.base.page import EXPLORE, script, style

# What makes elements, or runs code, out of a string.
FROM_STRINGS = r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTML"
FROM_STRINGS += r"|document\.write|DOMParser|srcdoc|\beval\b|new Function|javascript:"
NAMES = sorted(path.parent.name for path in EXPLORE.glob("*/page.js"))


@pytest.mark.parametrize("name", NAMES)
def test_no_script_makes_html_of_strings(name):
    found = re.search(FROM_STRINGS, (EXPLORE / name / "page.js").read_text(encoding="utf-8"))
    assert not found, f"{name}/page.js: {found and found.group()}: use `html`, `svg` and `write`"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "base"])
def test_what_base_does_is_written_once(name):
    text = (EXPLORE / name / "page.js").read_text(encoding="utf-8")
    found = re.search(r"setPointerCapture|ArrowLeft|stepUp|model\.send\(|speaking", text)
    assert not found, f"{name}/page.js: {found and found.group()}: see base/page.js"


@pytest.mark.parametrize("join", [script, style])
def test_the_shared_part_comes_first(join):
    file = {script: "page.js", style: "style.css"}[join]
    base, own = ((EXPLORE / name / file).read_text() for name in ("base", "mask_painter"))
    assert join("mask_painter") == base + "\n" + own
