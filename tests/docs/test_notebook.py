"""The notebook runs from its first to its last cell, in a kernel of its own, on a lake that has something to say."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from runtime.settings import REPOSITORY
from tests.local.engine_lake import EngineLake

pytestmark = pytest.mark.long

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "explore.ipynb"


def test_the_notebook_runs_and_tells_what_the_lake_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = EngineLake(tmp_path / "home", engines=2, cycles=40)
    monkeypatch.setenv("FLEETLAKE_HOME", str(lake.platform.settings.home))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    readings = lake.truth.file.read_text().count('"fate": "silver"') - 3 * 120 - 1
    assert f": {readings} readings; after the first run: {readings}" in printed
    assert "root mean square error" in printed


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells)
