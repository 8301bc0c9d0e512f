"""Contract versions: a table grows a field in place, old and new readings lie side by side, what does not follow is refused."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake.catalog import open_catalog
from lake.contracts import Contracts, Field, load_contract
from lake.tables import silver
from runtime.errors import ContractError
from spark_jobs import silver as silver_job
from spark_jobs.evolution import from_json, to_json
from spark_jobs.session import SparkLake
from tests.spark import empty_lake, put_bronze, reading, rows_of
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark

V1 = """
contract: lift
version: 1
description: Lifts.
cadence_seconds: 60
fields:
  load: {type: float64, unit: kg, min: 0, max: 2000, required: true}
"""
V2 = V1.replace("version: 1", "version: 2").replace("max: 2000", "max: 3000") + "  door: {type: string, enum: [open, closed]}\n"


def contracts(tmp_path: Path, text: str) -> Contracts:
    tmp_path.mkdir(exist_ok=True)
    file = tmp_path / "lift.yaml"
    file.write_text(text)
    return Contracts([load_contract(file)])


@pytest.fixture
def lift_lake(spark_session: SparkSession, tmp_path: Path) -> SparkLake:
    return empty_lake(spark_session, tmp_path / "home", contracts(tmp_path / "v1", V1))


def at_version(lake: SparkLake, tmp_path: Path, text: str) -> SparkLake:
    return dataclasses.replace(lake, contracts=contracts(tmp_path / "changed", text))


def publish(lake: SparkLake, run: str, seq: int, **changes: Any) -> None:
    put_bronze(lake, "lift", [reading(lake.contracts["lift"], "l1", seq=seq, **changes)])
    silver_job.run(lake, "lift", run, gate=passing)


def shown(lake: SparkLake) -> list[tuple[int, float, str | None]]:
    return sorted((row["seq"], row["load"], row.get("door")) for row in rows_of(lake, silver(lake.contracts["lift"])))


def test_a_second_version_with_a_field_more_evolves_the_tables_in_place(lift_lake: SparkLake, tmp_path: Path) -> None:
    publish(lift_lake, "first", 1, load=10.0)
    newer = at_version(lift_lake, tmp_path, V2)
    publish(newer, "second", 2, load=2500.0, door="open")
    assert shown(newer) == [(1, 10.0, None), (2, 2500.0, "open")]
    for table, column in (("silver.lift_superseded", "door"), ("gold.lift_hourly", "door_last")):
        assert column in open_catalog(newer.platform).load_table(table).schema().column_names


def test_objects_of_both_versions_are_read_in_one_run(lift_lake: SparkLake, tmp_path: Path) -> None:
    put_bronze(lift_lake, "lift", [reading(lift_lake.contracts["lift"], "l1", seq=1, load=10.0)])
    publish(at_version(lift_lake, tmp_path, V2), "both", 2, load=20.0, door="closed")
    assert shown(lift_lake) == [(1, 10.0, None), (2, 20.0, "closed")]


def test_an_older_checkout_still_publishes_its_readings_to_the_newer_tables(lift_lake: SparkLake, tmp_path: Path) -> None:
    publish(at_version(lift_lake, tmp_path, V2), "newer", 1, load=10.0, door="open")
    publish(lift_lake, "older", 2, load=20.0)
    assert shown(lift_lake) == [(1, 10.0, "open"), (2, 20.0, None)]


def test_a_version_that_does_not_follow_from_what_the_tables_hold_is_refused(lift_lake: SparkLake, tmp_path: Path) -> None:
    publish(lift_lake, "first", 1, load=10.0)
    narrowed = at_version(lift_lake, tmp_path, V1.replace("version: 1", "version: 2").replace("max: 2000", "max: 1000"))
    with pytest.raises(ContractError, match="version 2 does not follow from version 1: field load narrowed max to 1000"):
        publish(narrowed, "second", 2, load=20.0)
    other_type = at_version(lift_lake, tmp_path, V1.replace("version: 1", "version: 2").replace("float64", "int64"))
    with pytest.raises(ContractError, match="field load changed from float64 to int64"):
        publish(other_type, "third", 3, load=20)
    assert shown(lift_lake) == [(1, 10.0, None)]


def test_what_a_table_remembers_of_a_contract_is_what_compatibility_is_judged_by(tmp_path: Path) -> None:
    contract = contracts(tmp_path, V2)["lift"]
    again = from_json(to_json(contract))
    assert (again.name, again.version, again.kind) == ("lift", 2, "measurement")
    assert again.fields == (
        Field("load", "float64", unit="kg", min=0, max=3000, required=True),
        Field("door", "string", enum=("open", "closed")),
    )
