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


def pytest_configure(config: pytest.Config) -> None:
    """Keep a picture and a trace of what failed."""
    if hasattr(config.option, "screenshot"):
        config.option.screenshot, config.option.tracing = "only-on-failure", "retain-on-failure"


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
    return {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on copies of the lessons such as a learner gets."""
    root = tmp_path_factory.mktemp("my-lessons")
    refresh(root)
    with Lab(root, tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def notebook(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """`notebook("05_….ipynb")` opens a lesson.

    At the end the test fails if the page raised, wrote an error to its console, or asked for
    anything beyond this machine.
    """
    page = request.getfixturevalue("page")
    trouble: list[str] = []
    opened: list[Notebook] = []

    def inspect(url: str) -> None:
        if not url.startswith((lab.url, lab.url.replace("http", "ws"), "data:", "blob:")):
            trouble.append(f"request to {url}")

    page.on("pageerror", lambda error: trouble.append(f"page error: {error}"))
    page.on("request", lambda asked: inspect(asked.url))
    page.on("websocket", lambda asked: inspect(asked.url))
    page.on(
        "console",
        lambda said: trouble.append(f"console: {said.text}") if said.type == "error" else None,
    )

    def open_notebook(name: str) -> Notebook:
        opened.append(Notebook(page, lab, name))
        return opened[-1]

    yield open_notebook
    for one in opened:
        one.close()
    assert not trouble, "\n".join(trouble)


@pytest.fixture
def widget(notebook: Callable[..., Notebook], lab: Lab) -> Callable[[str, str], Any]:
    """`widget("…Viewer()", ".its-class")` shows one outside of any lesson; `.lesson` drives it."""

    def show(source: str, selector: str) -> Any:
        page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
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
