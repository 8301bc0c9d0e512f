"""Small writers outside Spark: an append is there once, whatever others commit at the same moment."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import update
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import ancestors_of

from lake.catalog import QuickTransaction, append_rows, ensure_tables, open_catalog
from lake.tables import LEDGER, PUBLICATIONS
from runtime.local import LocalPlatform
from runtime.settings import REPOSITORY, Settings
from tests.lake.small_lake import NOON


def row(run_id: str) -> dict[str, Any]:
    facts = {"run_id": run_id, "table_name": "silver.pump", "contract": "pump", "state": "visible", "recorded_at": NOON}
    return dict.fromkeys(PUBLICATIONS.column_names) | facts


def noted(platform: LocalPlatform) -> list[str]:
    found = open_catalog(platform).load_table(PUBLICATIONS.name)
    return sorted(found.scan(selected_fields=("run_id",)).to_arrow()["run_id"].to_pylist())


@pytest.fixture
def platform(tmp_path: Path) -> LocalPlatform:
    return LocalPlatform(dataclasses.replace(Settings(), home=tmp_path))


def test_a_namespace_that_another_makes_at_the_same_moment_is_there(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_tables(platform, [PUBLICATIONS])
    looked, plain_look = iter([False]), SqlCatalog.namespace_exists
    monkeypatch.setattr(SqlCatalog, "namespace_exists", lambda self, name: next(looked, None) is None and plain_look(self, name))
    ensure_tables(platform, [LEDGER])
    assert next(looked, "looked") == "looked"
    assert open_catalog(platform).table_exists(LEDGER.name)


def test_metadata_is_read_from_storage_once_and_anew_after_a_commit_of_whomever(platform: LocalPlatform) -> None:
    append_rows(platform, PUBLICATIONS, [row("first")])
    seen = open_catalog(platform).load_table(PUBLICATIONS.name)
    file = Path(seen.metadata_location.removeprefix("file://"))
    content = file.read_bytes()
    file.unlink()
    assert open_catalog(platform).load_table(PUBLICATIONS.name).metadata == seen.metadata
    file.write_bytes(content)
    # Another process: it shares nothing with this one but the files.
    other = (
        "import sys; from pathlib import Path; from tests.lake.test_catalog import append_of_another; append_of_another(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", other, str(platform.settings.home)], cwd=REPOSITORY, check=True)
    assert noted(platform) == ["another's", "first"]


def append_of_another(home: Path) -> None:
    append_rows(LocalPlatform(dataclasses.replace(Settings(), home=home)), PUBLICATIONS, [row("another's")])


def test_an_append_that_others_overtake_stands_after_them(platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    append_rows(platform, PUBLICATIONS, [row("first")])
    plain_commit, overtaking = IcebergTable._do_commit, iter(["second", "third"])

    def commit(self: IcebergTable, *facts: Any, **named: Any) -> None:
        for run_id in overtaking:
            append_rows(platform, PUBLICATIONS, [row(run_id)])
            break
        plain_commit(self, *facts, **named)

    monkeypatch.setattr(IcebergTable, "_do_commit", commit)
    append_rows(platform, PUBLICATIONS, [row("last")])
    assert noted(platform) == ["first", "last", "second", "third"]
    # One line of history: nobody's commit was made on a state that was not there any more.
    iceberg = open_catalog(platform).load_table(PUBLICATIONS.name)
    assert len(list(ancestors_of(iceberg.current_snapshot(), iceberg.metadata))) == 4
    assert len(iceberg.metadata.snapshots) == 4


def test_an_append_copies_the_metadata_a_few_times_however_many_steps_ask_for_it(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_rows(platform, PUBLICATIONS, [row("first")])
    copies: list[int] = []
    plain = update.update_table_metadata

    def counted(*facts: Any, **named: Any) -> TableMetadata:
        copies.append(1)
        return plain(*facts, **named)

    for module in ("pyiceberg.table", "pyiceberg.catalog"):
        monkeypatch.setattr(f"{module}.update_table_metadata", counted)
    append_rows(platform, PUBLICATIONS, [row("second")])
    assert 1 <= len(copies) <= 4


def test_a_commit_to_a_branch_that_one_to_another_branch_overtakes_stands_beside_it(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_rows(platform, PUBLICATIONS, [row("first")])
    catalog = open_catalog(platform)
    with catalog.load_table(PUBLICATIONS.name).manage_snapshots() as refs:
        base = catalog.load_table(PUBLICATIONS.name).metadata.refs["main"].snapshot_id
        refs.create_branch(base, "ours").create_branch(base, "theirs")
    plain_commit, overtaking = IcebergTable._do_commit, iter(["theirs"])

    def commit(self: IcebergTable, *facts: Any, **named: Any) -> None:
        for branch in overtaking:
            _append_to(platform, branch, "second")
        plain_commit(self, *facts, **named)

    monkeypatch.setattr(IcebergTable, "_do_commit", commit)
    _append_to(platform, "ours", "third")
    assert next(overtaking, "overtaken") == "overtaken"
    found = catalog.load_table(PUBLICATIONS.name)
    read = {
        name: sorted(found.scan(snapshot_id=found.metadata.refs[name].snapshot_id).to_arrow()["run_id"].to_pylist())
        for name in ("ours", "theirs")
    }
    assert read == {"ours": ["first", "third"], "theirs": ["first", "second"]}


def _append_to(platform: LocalPlatform, branch: str, run_id: str) -> None:
    iceberg = open_catalog(platform).load_table(PUBLICATIONS.name)
    frame = pa.Table.from_pylist([row(run_id)], schema=iceberg.schema().as_arrow())
    with QuickTransaction(iceberg) as transaction:
        transaction.append(frame, branch=branch)
