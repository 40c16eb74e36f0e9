"""A JupyterLab of its own on loopback, and an open notebook in it to drive.

Everything the server writes lies in one temporary folder; nothing of the user's configuration is
read; news and update checks are off. The notebook is driven through `window.jupyterapp`, the
application object, never through menus, and every wait is for something that happens: no sleeps.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from lessons.build import LESSONS, hermetic

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = json.loads((LESSONS / "jupyterlab" / "overrides.json").read_text(encoding="utf-8"))
SETTINGS["@jupyterlab/apputils-extension:notification"]["doNotDisturbMode"] = True
SETTINGS |= {  # beyond what `make lab` asks for
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every cell in the page
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
# Runs all cells, or those that show widgets; says what they complained about.
RUN = """async ([seconds, widgetsOnly]) => {
  const panel = window.jupyterapp.shell.currentWidget;
  const commands = window.jupyterapp.commands;
  const view = 'application/vnd.jupyter.widget-view+json';
  const shows = cell => cell.model.type === 'code'
    && cell.model.outputs.toJSON().some(output => output.data && view in output.data);
  const late = new Promise((_, fail) => {
    setTimeout(() => fail(new Error(`not done after ${seconds} s`)), seconds * 1000);
  });
  const run = async () => {
    if (!widgetsOnly) await commands.execute('notebook:run-all-cells');
    else for (const [k, cell] of panel.content.widgets.entries()) if (shows(cell)) {
      panel.content.deselectAll();
      panel.content.activeCellIndex = k;
      await commands.execute('notebook:run-cell');
    }
    await panel.sessionContext.session.kernel.requestKernelInfo();
  };
  await Promise.race([run(), late]);
  return panel.content.widgets.filter(cell => cell.model.type === 'code')
    .flatMap(cell => cell.model.outputs.toJSON())
    .filter(output => output.output_type === 'error' || output.name === 'stderr')
    .map(output => output.evalue || [].concat(output.text).join(''));
}"""
READY = "() => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length"
WRITE = """source => window.jupyterapp.shell.currentWidget
  .content.widgets[0].model.sharedModel.setSource(source)"""
IDLE = """() => {
  const context = window.jupyterapp.shell.currentWidget.sessionContext;
  return context.session?.kernel?.status === 'idle';
}"""


def find_chromium() -> str | None:
    """The browser named by MINSEG_CHROMIUM, else the first one on the path."""
    named = os.environ.get("MINSEG_CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """A running JupyterLab; a context manager.

    Args:
        root: the folder it shows. Notebooks in it may be changed: give it copies.
        work: an empty folder for its settings, state and log.

    Raises:
        RuntimeError: if the server ends or does not answer within a minute, with its log.
    """

    def __init__(self, root: Path, work: Path) -> None:
        self.root, self.port, self.token = root, free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        settings = work / "app_settings"
        settings.mkdir(parents=True)
        (settings / "overrides.json").write_text(json.dumps(SETTINGS))
        folders = {
            "HOME": "home",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        for name in folders.values():
            (work / name).mkdir()
        own = {key: str(work / name) for key, name in folders.items()}
        self._log = (work / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
                *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={root}"),
                *("--expose-app-in-browser", f"--LabApp.app_settings_dir={settings}"),
                *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                "--ServerApp.terminals_enabled=False",
            ],
            env={**os.environ, **hermetic(work), **own},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_up(work / "lab.log")

    def _wait_until_up(self, log: Path, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                status = f"{self.url}/api/status?token={self.token}"
                urllib.request.urlopen(status, timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)  # asked again until it answers
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End the server, which ends its kernels."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Notebook:
    """A notebook open in a page, its kernel ready.

    Args:
        page: Playwright's page.
        lab: the server.
        name: the notebook's file name in the server's folder.
    """

    def __init__(self, page: Any, lab: Lab, name: str, *, seconds: float = 60) -> None:
        self.page, self.lab, self._ran = page, lab, False
        page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
        page.wait_for_function(READY, timeout=seconds * 1000)
        self.wait_until_idle(seconds)

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Until the kernel has nothing to do."""
        self.page.wait_for_function(IDLE, timeout=seconds * 1000)

    def write(self, source: str) -> None:
        """Put this into the first cell, which runs at the next `run_all`."""
        self.page.evaluate(WRITE, source)
        self._ran = False

    def run_all(self, seconds: float = 120) -> None:
        """Run every cell; when they have run before, those that show widgets, for new ones.

        Raises:
            AssertionError: if a cell raises or writes to stderr.
        """
        trouble = self.page.evaluate(RUN, [seconds, self._ran])
        assert not trouble, trouble
        self._ran = True
        self.wait_until_idle(seconds)

    def drag(self, target: Any, dx: float, dy: float, *, steps: int = 10) -> None:
        """Press the mouse in the middle of a locator, move by (dx, dy) CSS pixels, let go."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=steps)
        self.page.mouse.up()

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        shutdown = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
        self.page.evaluate(shutdown)
        self.page.close()
