"""JupyterLab in a headless browser, as a student has it: notebooks opened, cells written and run, what they show read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is on the page, also one far below
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
DARK = {"@jupyterlab/apputils-extension/themes": {"theme": "JupyterLab Dark"}}
SECONDS = 240  # for anything to happen on a busy machine
FIND = """name => {
  const cells = jupyterapp.shell.currentWidget.content.model.cells;
  return [...Array(cells.length).keys()].find(i => (cells.get(i).getMetadata('nbgrader') || {}).grade_id === name) ?? -1;
}"""
RUN = """async i => {
  const panel = jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = i;
  panel.content.deselectAll();
  await jupyterapp.commands.execute('notebook:run-cell');
}"""


def why_no_browser() -> str:
    """Why no page can be looked at here; empty if one can."""
    try:
        with browser():
            return ""
    except Error as error:
        return f"no browser: {str(error).splitlines()[0]} (playwright install chromium, or your system's chromium)"


@contextmanager
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium, or the system's."""
    with sync_playwright() as playwright:
        system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        yield (found := playwright.chromium.launch(executable_path=system, args=["--no-sandbox"] if os.geteuid() == 0 else []))
        found.close()


@contextmanager
def jupyter_lab(folder: Path, settings: Path, dark: bool = False) -> Iterator[str]:
    """A server of a folder with settings of its own; gives its address, up to ``/lab``."""
    for name, values in (SETTINGS | (DARK if dark else {})).items():
        path = settings / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    environment = os.environ | {name: str(settings / folder) for name, folder in folders.items()}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root", "--IdentityProvider.token=", "--expose-app-in-browser"]
    command += ["--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}"]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            line = next((line for line in server.stderr if "http://" in line and "/lab" in line), "")
            assert line, "JupyterLab did not start"
            yield line.split()[-1].split("?")[0].rstrip("/")
        finally:
            server.terminate()
            server.stderr.close()


class Lab:
    """A notebook that is open in a browser."""

    def __init__(self, page: Page, address: str, notebook: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{address}/tree/{notebook}?reset")
        page.wait_for_function("window.jupyterapp && jupyterapp.shell.currentWidget && jupyterapp.shell.currentWidget.sessionContext")
        page.evaluate("jupyterapp.shell.currentWidget.context.ready.then(() => jupyterapp.shell.currentWidget.sessionContext.ready)")
        page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.connectionStatus === 'connected'")

    def command(self, name: str) -> Any:
        return self.page.evaluate("name => jupyterapp.commands.execute(name)", name)

    def cell(self, name: str) -> int:
        """Where the cell of an id stands."""
        found = self.page.evaluate(FIND, name)
        assert found >= 0, f"there is no cell {name}"
        return int(found)

    def write(self, name: str, text: str) -> None:
        self.page.evaluate("([i, text]) => jupyterapp.shell.currentWidget.content.model.cells.get(i).sharedModel.setSource(text)", [self.cell(name), text])

    def run(self, name: str) -> str:
        """Run the cell of an id; gives the text that stands below it then."""
        self.page.evaluate(RUN, self.cell(name))
        return self.shown(name)

    def start(self, name: str) -> None:
        """As :meth:`run`, without waiting for its end."""
        self.page.evaluate("([run, i]) => { eval(run)(i); }", [RUN, self.cell(name)])

    def shown(self, name: str) -> str:
        return str(self.below(name).inner_text())

    def below(self, name: str) -> Any:
        """What stands below the cell of an id."""
        return self.at(name).locator(".jp-Cell-outputArea")

    def at(self, name: str) -> Any:
        """The cell of an id on the page."""
        return self.page.locator(f'.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index="{self.cell(name)}"]')
