"""Text of strangers on a page: it is shown, letter by letter, and never becomes part of the page.

A notebook that has just run is trusted, so JupyterLab runs what HTML it gets. Each place where the
course puts text on a page is given text that would run if it were taken for HTML or markdown.
"""

import nbformat
import pytest
from playwright.sync_api import expect

# Whatever of it comes to life leaves a mark: a script, a handler, a link, an element, a formula.
HOSTILE = [
    '<img class=alive src="data:," onerror="window.alive=1"><script>window.alive=1</script>',
    "<b class=alive>bold</b> [link](javascript:window.alive=1) ![picture](data:,)",
    "$\\href{javascript:window.alive=1}{x}$ \\(y^2\\) `</code>` | &lt;b&gt; **loud** ~~gone~~",
]
OPENING = f"""
import os
os.environ["TRITON_INTERPRET"] = "1"
os.environ.pop("MINSEG_CHECK_FIGURES", None)  # hostile names are long: their texts overlap
hostile = {HOSTILE!r}
all_of_it = " ".join(hostile)"""
ALL = " ".join(HOSTILE)
CELLS = {
    "progress": """
import json
from minseg.course import progress
from minseg.course.state import state_path
state_path().parent.mkdir(parents=True, exist_ok=True)
state_path().write_text(json.dumps({"measured": {f"21.q_{k}": hostile[k] for k in range(3)}}))
progress("21")
state_path().unlink()""",
    "claim": """
from minseg.course import claims
from minseg.ledger import Measured
claims.measure = lambda id: Measured(all_of_it, supports=True)
claims.show_claim("C39")""",
    "source": """
from minseg.course import show_source
def fenced():
    '''Ends the fence, here
````
<b class=alive>bold</b>
'''
show_source(fenced)""",
    "picture": """
from minseg.draw import figure, show
show(figure(width=300, height=200)[0], alt=all_of_it, facts=all_of_it)""",
    "check": """
from minseg.course import check
def fails(boxes):
    raise ValueError(all_of_it)
check("00.area", fails)""",
    "band": """
import torch
from minseg.explore import BoundaryBand
BoundaryBand(torch.ones(8, 8, dtype=torch.bool), {all_of_it: torch.clone})""",
    "panoptic": """
from minseg.data import STUFF, THINGS
from minseg.explore import PQPlayground
names = [dict.fromkeys(kind, "<b class=alive>b</b>") for kind in (THINGS, STUFF)]
playground = PQPlayground(things=names[0], stuff=names[1])
playground.selected = playground.view["segments"][0]["id"]
playground.edit("erode")
playground""",
    "quantisation": """
from minseg.explore import QuantisationBox
box = QuantisationBox()
box.view = {**box.view, "table": [[all_of_it] * 5], "facts": all_of_it}
box""",
    "kernel": """
from minseg.explore import KernelView
view = KernelView()
view.view = {**view.view, "facts": all_of_it}
view""",
    "painter": """
from minseg.explore import MaskPainter
painter = MaskPainter()
painter.view = {**painter.view, "facts": all_of_it}
painter""",
}


@pytest.fixture
def cells(notebook, lab):
    """A notebook with all of them that has run; `cells(name)` is the output of one."""
    sources = [OPENING, *CELLS.values()]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(made, lab.root / "hostile.ipynb")
    opened = notebook("hostile.ipynb")
    opened.run_all()

    def cell(name):
        where = opened.page.locator(".jp-CodeCell").nth(1 + list(CELLS).index(name))
        return where.locator(".jp-Cell-outputArea")

    cell.page = opened.page
    return cell


def test_text_of_strangers_is_shown_and_never_comes_to_life(cells):
    for k, text in enumerate(HOSTILE):
        row = cells("progress").locator("tr", has=cells.page.get_by_text(f"21.q_{k}", exact=True))
        expect(row.locator("td").last).to_have_text(text)
    measured = cells("claim").locator("tr", has=cells.page.get_by_text("Measured here"))
    expect(measured.locator("td").last).to_have_text(ALL)
    expect(cells("source").locator("pre")).to_contain_text("````\n<b class=alive>bold</b>")
    expect(cells("picture").locator("img")).to_have_attribute("alt", ALL)
    expect(cells("picture")).to_contain_text(ALL)
    expect(cells("check")).to_contain_text(f"ValueError: {ALL}")
    expect(cells("band").locator(".widget-html-content")).to_contain_text(f"Prediction: {ALL}.")
    name = "<b class=alive>b</b>"
    expect(cells("panoptic").locator("th[scope=row]").nth(3)).to_have_text(name)
    expect(cells("panoptic").locator(".said")).to_contain_text(f"Erode {name}")
    expect(cells("quantisation").locator("tbody th")).to_have_text(ALL)
    expect(cells("quantisation").locator("tbody td").nth(3)).to_have_text(ALL)
    expect(cells("kernel").locator(".line")).to_have_text(ALL)
    expect(cells("painter").locator(".facts")).to_have_text(ALL)

    output = cells.page.locator(".jp-OutputArea-output")
    for sign in (".alive", "script", "a[href^=javascript]", "mjx-container", "img[alt=picture]"):
        expect(output.locator(sign)).to_have_count(0)
    assert cells.page.evaluate("window.alive") is None
