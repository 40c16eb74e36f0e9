"""Fixtures of the browser tests: Chromium, JupyterLab, and `notebook`, which opens a lesson."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from helpers.lab import CHROMIUM_FLAGS, Lab, Notebook, find_chromium

from lessons.workspace import refresh

VIEWPORT = {"width": 1280, "height": 900}
FAILED = pytest.StashKey[bool]()
# Another test may have left the page narrow, and JupyterLab follows a new size some time later.
WIDE = """() => [...document.querySelectorAll(".jp-NotebookPanel")]
  .some(panel => panel.getBoundingClientRect().right > innerWidth - 60)"""
# Until it has stood at one place, in one size, for a fifth of a second: the page lays itself out
# anew after its size has changed, and a test that measures too early drags beside the mark.
STEADY = """root => new Promise(done => {
  let last = "";
  const look = () => {
    const box = JSON.stringify(root.getBoundingClientRect());
    if (box === last) return done();
    last = box;
    setTimeout(look, 200);
  };
  look();
})"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies here is a browser test."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a browser; without one, or without Playwright, the test is skipped and says so."""
    if importlib.util.find_spec("pytest_playwright") is None:
        pytest.skip('no Playwright: pip install -e ".[browser]"')
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: install one, or name it in MINSEG_CHROMIUM")
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, object]:
    return {"executable_path": chromium, "args": CHROMIUM_FLAGS, "headless": True}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    return {"viewport": VIEWPORT}


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on copies of the lessons such as a learner gets."""
    root = tmp_path_factory.mktemp("my-lessons")
    refresh(root)
    with Lab(root, tmp_path_factory.mktemp("lab")) as running:
        yield running


class Desk:
    """What is open in the browser, and what went wrong there.

    JupyterLab takes ten seconds to open, so two pages stay open for all tests: one with a notebook
    of one cell, into which each widget is written, and one for whole notebooks. A notebook's cells
    run once, in a fresh kernel; after that only those that show widgets are run again.
    """

    def __init__(self, context: Any, lab: Lab) -> None:
        self.context, self.lab = context, lab
        self.trouble: list[str] = []
        self._cell: Notebook | None = None
        self._open: tuple[str, bytes, Notebook] | None = None

    def show(self, source: str) -> Notebook:
        """The notebook of one cell, with this source in it, run."""
        if self._cell is None:
            empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", id="widget")])
            empty.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
            nbformat.write(empty, self.lab.root / "widget.ipynb")
            self._cell = Notebook(self._new_page(), self.lab, "widget.ipynb")
        to_front(self._cell.page)
        self._cell.write(source)
        self._cell.run_all()
        return self._cell

    def open(self, name: str) -> Notebook:
        """The notebook with this file name, as it is now."""
        content = (self.lab.root / name).read_bytes()
        if self._open is None or self._open[:2] != (name, content):
            self.close_notebook()
            self._open = name, content, Notebook(self._new_page(), self.lab, name)
        to_front(self._open[2].page)
        return self._open[2]

    def close_notebook(self) -> None:
        """Close the page with a whole notebook, and shut its kernel down."""
        if self._open is not None:
            self._open[2].close()
            self._open = None

    def after_failure(self, name: str) -> None:
        """Keep pictures of what is open, and begin anew."""
        for kind, page in enumerate(self.context.pages):
            page.screenshot(path=f"test-results/{name}-{kind}.png")
        self.close_notebook()
        if self._cell is not None:
            self._cell.close()
            self._cell = None

    def _new_page(self) -> Any:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(f"page error: {error}"))
        page.on("request", lambda asked: self._inspect(asked.url))
        page.on("websocket", lambda asked: self._inspect(asked.url))
        page.on("console", self._listen)
        return page

    def _inspect(self, url: str) -> None:
        lab = self.lab.url
        if not url.startswith((lab, lab.replace("http", "ws"), "data:", "blob:")):
            self.trouble.append(f"request to {url}")

    def _listen(self, said: Any) -> None:
        if said.type == "error":
            self.trouble.append(f"console: {said.text}")


def to_front(page: Any) -> None:
    """Show this page in the common size, and wait until JupyterLab has laid itself out for it."""
    page.set_viewport_size(VIEWPORT)
    page.bring_to_front()
    page.wait_for_function(WIDE)


@pytest.fixture(scope="session")
def desk(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Desk]:
    # Named as an argument it would make a test for each browser, and another browser would start.
    browser = request.getfixturevalue("browser")
    context = browser.new_context(**request.getfixturevalue("browser_context_args"))
    yield Desk(context, lab)
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember that a test failed, for the fixture below."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def watched(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The desk, watched: the test fails if a page raised, wrote an error to its console, or asked
    for anything beyond this machine. Of a test that failed pictures are kept in test-results/.
    """
    desk.trouble.clear()
    yield desk
    if request.node.stash.get(FAILED, False):
        desk.after_failure(request.node.name)
    assert not desk.trouble, "\n".join(desk.trouble)


@pytest.fixture
def notebook(watched: Desk) -> Callable[[str], Notebook]:
    """`notebook("05_….ipynb")` opens a lesson."""
    return watched.open


@pytest.fixture
def widget(watched: Desk) -> Callable[[str, str], Any]:
    """`widget("…Viewer()", ".its-class")` shows one outside of any lesson; `.lesson` drives it."""
    return lambda source, selector: shown(watched.show(source), selector)


def shown(opened: Notebook, selector: str) -> Any:
    """The first widget of this class, in sight; `.lesson` is the notebook, for page and kernel."""
    root = opened.page.locator(selector).first
    root.scroll_into_view_if_needed()
    root.evaluate(STEADY)
    root.lesson = opened
    return root
