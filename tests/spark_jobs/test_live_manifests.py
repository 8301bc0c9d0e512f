"""A snapshot under new manifests: read by Spark and by PyIceberg alike, upon the base, and without what was taken away."""

import pytest
from pyiceberg.manifest import ManifestEntryStatus
from pyiceberg.table.snapshots import Operation

from lake.stand_in import standing_for, stands_for
from lake.tables import silver
from spark_jobs.branch import Branch, MainMoved, drop_branches, load, main_snapshot
from spark_jobs.live_manifests import settle
from spark_jobs.session import SparkLake
from tests.spark import reading
from tests.spark_jobs.derived import publish_silver

pytestmark = pytest.mark.spark


@pytest.fixture
def branch(spark_lake: SparkLake) -> Branch:
    """Three files of a day, of which the branch has rewritten one without the device p1."""
    pump = spark_lake.contracts["pump"]
    for number in range(3):
        publish_silver(
            spark_lake, "pump", [reading(pump, f"p{number}", number, seq=number), reading(pump, "q", number, seq=number)], f"a{number}.1"
        )
    branch = Branch(spark_lake.platform, silver(pump), "_lake", "m.1", main_snapshot(spark_lake.platform, silver(pump)))
    spark_lake.sql(f"DELETE FROM {branch.identifier} WHERE device_id = 'p1'")
    return branch


def test_both_readers_find_the_same_rows_in_it(spark_lake: SparkLake, branch: Branch) -> None:
    made = settle(branch, Operation.OVERWRITE, {})
    iceberg = load(branch.platform, branch.table)
    by_pyiceberg = sorted(iceberg.scan(snapshot_id=made).to_arrow()["device_id"].to_pylist())
    by_spark = sorted(row["device_id"] for row in spark_lake.at_snapshot(branch.table, made).select("device_id").collect())
    assert by_pyiceberg == by_spark == ["p0", "p2", "q", "q", "q"]
    # Iceberg prunes by the new manifests.
    found = spark_lake.spark.table(branch.identifier).where("event_time = timestamp'2026-03-02 12:02:00'").count()
    assert found == 2


def test_its_parent_is_the_base_and_its_totals_are_its_own(branch: Branch) -> None:
    written = branch.snapshot()
    snapshot_id = settle(branch, Operation.OVERWRITE, {"a": "b"})
    made = load(branch.platform, branch.table).snapshot_by_id(snapshot_id)
    assert made is not None
    assert made.snapshot_id != written
    assert made.parent_snapshot_id == branch.base_snapshot
    assert made.summary is not None
    assert (made.summary["total-records"], made.summary["total-data-files"], made.summary["a"]) == ("5", "3", "b")


def test_its_manifests_tell_of_nothing_that_was_taken_away(branch: Branch) -> None:
    iceberg = load(branch.platform, branch.table)

    def entries(snapshot_id: int) -> list[tuple[ManifestEntryStatus, str]]:
        snapshot = load(branch.platform, branch.table).snapshot_by_id(snapshot_id)
        assert snapshot is not None
        found = [e for m in snapshot.manifests(iceberg.io) for e in m.fetch_manifest_entry(iceberg.io, discard_deleted=False)]
        return [(entry.status, entry.data_file.file_path) for entry in found]

    before = entries(branch.snapshot())
    assert ManifestEntryStatus.DELETED in {status for status, _ in before}
    after = entries(settle(branch, Operation.OVERWRITE, {}))
    assert {status for status, _ in after} == {ManifestEntryStatus.EXISTING}
    assert {path for _, path in after} == {path for status, path in before if status != ManifestEntryStatus.DELETED}


def test_appends_go_on_from_it(spark_lake: SparkLake, branch: Branch) -> None:
    branch.swap(settle(branch, Operation.OVERWRITE, {}))
    publish_silver(spark_lake, "pump", [reading(spark_lake.contracts["pump"], "p9", 9, seq=9)], "after.1")
    spark_lake.sql("INSERT INTO lake.silver.pump SELECT * FROM lake.silver.pump WHERE device_id = 'p9'")
    rows = load(branch.platform, branch.table).scan().to_arrow()["device_id"].to_pylist()
    assert sorted(rows) == ["p0", "p2", "p9", "p9", "q", "q", "q"]


def test_a_branch_that_was_dropped_meanwhile_is_not_made_again(branch: Branch) -> None:
    drop_branches(branch.platform, branch.table, [branch.name])
    with pytest.raises(MainMoved, match="was dropped"):
        settle(branch, Operation.OVERWRITE, {})


def test_what_it_stands_for_is_handed_on(branch: Branch) -> None:
    base = branch.base_snapshot
    first = settle(branch, Operation.REPLACE, standing_for(load(branch.platform, branch.table), base))
    branch.swap(first)
    iceberg = load(branch.platform, branch.table)
    assert stands_for(iceberg.snapshot_by_id(first)) == {base}
    again = Branch(branch.platform, branch.table, "_lake", "m.2", first)
    again.make()
    iceberg.append(iceberg.schema().as_arrow().empty_table(), branch=again.name)
    second = settle(again, Operation.REPLACE, standing_for(load(branch.platform, branch.table), first))
    assert stands_for(load(branch.platform, branch.table).snapshot_by_id(second)) == {base, first}
