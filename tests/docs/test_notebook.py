"""Each notebook runs from its first to its last cell, in a kernel of its own, on a lake that has something to say."""

import nbformat
import pytest
from nbclient import NotebookClient

from runtime.settings import REPOSITORY
from tests.local.engine_lake import EngineLake

pytestmark = pytest.mark.long

NOTEBOOKS = REPOSITORY / "docs" / "notebooks"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> EngineLake:
    made = EngineLake(tmp_path_factory.mktemp("notebooks") / "home", engines=2, cycles=40)
    # Where Spark spills; the supervisor makes it.
    (made.platform.settings.home / "tmp").mkdir()
    return made


@pytest.fixture
def readings(lake: EngineLake, monkeypatch: pytest.MonkeyPatch) -> int:
    """Those of silver.turbofan, by the truth."""
    monkeypatch.setenv("FLEETLAKE_HOME", str(lake.platform.settings.home))
    return lake.truth.file.read_text().count('"fate": "silver"') - 3 * 120 - 1


def printed(name: str) -> str:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def test_the_one_for_duckdb_and_pandas_tells_what_the_lake_holds(readings: int) -> None:
    said = printed("explore.ipynb")
    assert f": {readings} readings; after the first run: {readings}" in said
    assert "root mean square error" in said


def test_the_one_for_pyiceberg_scans_files_and_makes_a_training_set(readings: int) -> None:
    said = printed("pyiceberg.ipynb")
    assert f"1 of 1 files, {readings} rows in all" in said
    assert f"{readings} rows at the first snapshot, {readings} now" in said
    assert "the same set again: True" in said
    # One engine failed, 12 cycles of ten minutes after its last reading: the last 7 are less than three hours before it.
    assert f"{readings} rows, 7 of them before a failure; 0 whose horizon is open" in said


@pytest.mark.spark
def test_the_one_for_spark_reads_the_same_tables(readings: int) -> None:
    said = printed("spark.ipynb")
    assert f"silver.turbofan: {readings} readings" in said
    assert f"1 snapshots; at the first {readings} readings" in said
    assert "hours of 2 devices" in said


@pytest.mark.parametrize("notebook", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
def test_a_notebook_is_kept_without_outputs(notebook: str) -> None:
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    assert all(cell.get("outputs", []) == [] for cell in cells)
