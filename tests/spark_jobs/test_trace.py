"""One trace id's way: from the JSON that the rule writes through bronze into silver, where it says nothing of what a row is."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from fleet.telemetry_rule import rule_sql
from ingestion.contract_folder import ContractFolder
from ingestion.intake import Intake
from lake.fingerprint import LEFT_OUT
from lake.query_tables import object_files
from lake.tables import bronze, silver
from runtime.clock import FixedClock
from runtime.sqs import Message
from spark_jobs import silver as silver_job
from spark_jobs.session import SparkLake, prepare_tables, session_of
from tests.ingestion.builders import body, contracts_in, pack, reading
from tests.spark import NOON, folder_platform, rows_of
from tests.spark_jobs.gates import passing

pytestmark = pytest.mark.spark
TRACE = "7e146a2c-95b5-6caf-98b9-50e3969734c7"


def test_a_trace_id_goes_from_the_rule_to_bronze_and_silver(spark_session: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    contracts = contracts_in(folder)
    boiler = contracts["boiler"]
    platform = folder_platform(tmp_path / "home", contracts_folder=folder)
    assert "traceid() AS trace_id" in rule_sql(platform.settings)
    prepare_tables(platform, boiler)
    lake = SparkLake(session_of(spark_session, platform), platform, contracts, FixedClock(NOON))

    of_rule = json.loads(body(pack(reading(0), reading(1)))) | {"trace_id": TRACE}
    other = body(pack(reading(2)))
    assert Intake(platform, ContractFolder(folder), lake.clock).take([Message("m-1", json.dumps(of_rule)), Message("m-2", other)]) == []
    (file,) = object_files(platform, bronze(boiler)).values()
    found = {row["seq"]: row["trace_id"] for row in pq.read_table(file, columns=["seq", "trace_id"]).to_pylist()}
    assert found == {0: TRACE, 1: TRACE, 2: "trace-1"}

    silver_job.run(lake, "boiler", "a", gate=passing)
    assert {row["seq"]: row["trace_id"] for row in rows_of(lake, silver(boiler))} == found
    assert "trace_id" in LEFT_OUT
