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
    """For a file of tests: the notebook that is open, and what went wrong on its page.

    A notebook stays open from one test to the next: its cells run once, in a fresh kernel, and
    after that only those that show widgets are run again, so that each test finds a new widget.
    """

    def __init__(self, context: Any, lab: Lab) -> None:
        self.context, self.lab = context, lab
        self.trouble: list[str] = []
        self._open: tuple[str, bytes, Notebook] | None = None

    def open(self, name: str) -> Notebook:
        """The notebook with this file name, as it is now."""
        content = (self.lab.root / name).read_bytes()
        if self._open is None or self._open[:2] != (name, content):
            self.clear()
            self._open = name, content, Notebook(self._new_page(), self.lab, name)
        self._open[2].page.set_viewport_size(VIEWPORT)
        return self._open[2]

    def clear(self, picture: str | None = None) -> None:
        """Shut down the kernel of what is open; keep a picture of it if asked."""
        if self._open is not None:
            notebook = self._open[2]
            if picture:
                notebook.page.screenshot(path=picture)
            notebook.close()
            notebook.page.close()
            self._open = None

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


@pytest.fixture(scope="module")
def desk(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Desk]:
    browser = request.getfixturevalue("browser")
    context = browser.new_context(**request.getfixturevalue("browser_context_args"))
    desk = Desk(context, lab)
    yield desk
    desk.clear()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember that a test failed, for the fixture below."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def notebook(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Notebook]]:
    """`notebook("05_….ipynb")` opens a lesson.

    At the end the test fails if the page raised, wrote an error to its console, or asked for
    anything beyond this machine. Of a test that failed a picture is kept in test-results/.
    """
    desk.trouble.clear()
    yield desk.open
    if request.node.stash.get(FAILED, False):
        desk.clear(picture=f"test-results/{request.node.name}.png")
    assert not desk.trouble, "\n".join(desk.trouble)


@pytest.fixture
def widget(notebook: Callable[..., Notebook], lab: Lab) -> Callable[[str, str], Any]:
    """`widget("…Viewer()", ".its-class")` shows one outside of any lesson; `.lesson` drives it."""

    def show(source: str, selector: str) -> Any:
        page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="widget")])
        page.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(page, lab.root / "widget.ipynb")
        opened = notebook("widget.ipynb")
        opened.run_all()
        return shown(opened, selector)

    return show


@pytest.fixture
def in_lesson(notebook: Callable[..., Notebook]) -> Callable[[str, str], Any]:
    """`in_lesson("07_….ipynb", ".minseg-ap")` runs a lesson and gives a widget of it."""

    def show(name: str, selector: str) -> Any:
        opened = notebook(name)
        opened.run_all()
        return shown(opened, selector)

    return show


def shown(opened: Notebook, selector: str) -> Any:
    """The first widget of this class, in sight; `.lesson` is the notebook, for page and kernel."""
    root = opened.page.locator(selector).first
    root.scroll_into_view_if_needed()
    root.lesson = opened
    return root
