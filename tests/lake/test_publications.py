"""What a process has read of the operations tables stays read; what others commit is read when it is asked for again."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table as IcebergTable

from lake import publications
from lake.catalog import open_catalog
from lake.publications import Publication, State, note, read_publications
from lake.tables import PUBLICATIONS, Table, features, silver
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from runtime.settings import Settings
from tests.lake.small_lake import NOON, SmallLake


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path / "home")


def tell(lake: SmallLake, run_id: str, state: State, table: Table | None = None, contract: str = "boiler") -> None:
    note(lake.platform, FixedClock(NOON), run_id, table or silver(lake.boiler), contract, state, snapshot_id=1)


def states(found: list[Publication]) -> dict[str, State]:
    return {publication.run_id: publication.state for publication in found}


def read_anew(lake: SmallLake, *of: str | None) -> list[Publication]:
    """As another process would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publications, "_SEEN", {})
        return read_publications(lake.platform, *of)


def test_what_is_committed_between_two_reads_is_seen_by_the_second(lake: SmallLake) -> None:
    assert read_publications(lake.platform) == []
    tell(lake, "r.1", State.PUBLISHING)
    assert states(read_publications(lake.platform, "silver.boiler", "boiler")) == {"r.1": State.PUBLISHING}
    tell(lake, "r.1", State.VISIBLE)
    tell(lake, "f.1", State.VISIBLE, features(lake.boiler))
    tell(lake, "p.1", State.HELD, contract="pump")
    for of in ((None, None), ("silver.boiler", "boiler"), ("features.boiler", "boiler"), (None, "pump"), ("silver.boiler", None)):
        assert read_publications(lake.platform, *of) == read_anew(lake, *of)
    assert states(read_publications(lake.platform, None, "boiler")) == {"r.1": State.VISIBLE, "f.1": State.VISIBLE}


def test_rows_that_were_read_are_not_read_again(lake: SmallLake, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(lake, "r.1", State.VISIBLE)
    read_publications(lake.platform)

    def scan(*_: Any, **__: Any) -> None:
        raise AssertionError("the whole table is read again")

    monkeypatch.setattr(IcebergTable, "scan", scan)
    tell(lake, "r.2", State.VISIBLE)
    assert set(states(read_publications(lake.platform))) == {"r.1", "r.2"}
    assert set(states(read_publications(lake.platform))) == {"r.1", "r.2"}


def test_a_commit_without_rows_changes_nothing(lake: SmallLake) -> None:
    tell(lake, "r.1", State.VISIBLE)
    read_publications(lake.platform)
    with open_catalog(lake.platform).load_table(PUBLICATIONS.name).transaction() as transaction:
        transaction.set_properties(owner="operations")
    assert set(states(read_publications(lake.platform))) == {"r.1"}


def test_a_table_whose_files_were_rewritten_is_read_whole(lake: SmallLake) -> None:
    for run_id in ("r.1", "r.2"):
        tell(lake, run_id, State.VISIBLE)
    read_publications(lake.platform)
    iceberg = open_catalog(lake.platform).load_table(PUBLICATIONS.name)
    iceberg.overwrite(iceberg.scan().to_arrow())
    tell(lake, "r.3", State.VISIBLE)
    assert [publication.run_id for publication in read_publications(lake.platform)].count("r.1") == 1
    assert read_publications(lake.platform) == read_anew(lake)


def test_lakes_of_one_process_do_not_see_each_other(lake: SmallLake, tmp_path: Path) -> None:
    tell(lake, "r.1", State.VISIBLE)
    read_publications(lake.platform)
    other = LocalPlatform(dataclasses.replace(Settings(), home=tmp_path / "other"))
    assert read_publications(other) == []
    note(other, FixedClock(NOON), "o.1", silver(lake.boiler), "boiler", State.VISIBLE)
    assert set(states(read_publications(other))) == {"o.1"}
    assert set(states(read_publications(lake.platform))) == {"r.1"}
