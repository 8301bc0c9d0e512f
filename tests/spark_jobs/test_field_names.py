"""A contract's fields may be called whatever its devices call them, also what a job might call a column of its own."""

import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lake import query
from lake.contracts import Contract, Contracts, load_contract
from lake.tables import features, gold_hourly, silver
from runtime.settings import REPOSITORY
from spark_jobs import features as features_job
from spark_jobs import gold_device_daily
from spark_jobs import gold_hourly as gold_hourly_job
from spark_jobs import silver as silver_job
from spark_jobs.quality import audit
from tests.spark import at, empty_lake, folder_platform, put_bronze, reading, rows_of

pytestmark = pytest.mark.spark
# Words that jobs, the gate or queries use or have used for columns of theirs.
WORDS = (
    "place", "row", "rows", "since", "newest", "value", "flag", "first", "last", "filename", "file", "repeated", "of_run", "begins_life",
    "merged_values", "gap_microseconds", "is_affected", "is_before", "is_there", "is_touched", "index", "order", "group", "key", "n", "s", "t",
)  # fmt: skip


@pytest.fixture
def kiosk(tmp_path: Path) -> Contract:
    fields = "".join(f"  {word}: {{type: {'string' if i % 3 == 0 else 'float64'}}}\n" for i, word in enumerate(WORDS))
    (tmp_path / "kiosk.yaml").write_text(f"contract: kiosk\nversion: 1\ndescription: Kiosks.\ncadence_seconds: 600\nfields:\n{fields}")
    return load_contract(tmp_path / "kiosk.yaml")


def test_every_value_comes_through_every_table_as_it_was_sent(spark_session: SparkSession, tmp_path: Path, kiosk: Contract) -> None:
    lake = empty_lake(spark_session, tmp_path / "home", Contracts([kiosk]))
    numbers = [field.name for field in kiosk.numbers]
    sent = [
        reading(kiosk, "kiosk-1", minutes=10 * n, seq=n)
        | {field.name: f"{field.name} {n}" if field.type == "string" else n + len(field.name) / 100 for field in kiosk.fields}
        for n in range(12)
    ]
    for half, rows in enumerate((sent[:7], sent[5:])):
        put_bronze(lake, "kiosk", rows, put_at=at(60 + half))
        silver_job.run(lake, "kiosk", f"r{half}", gate=audit)
        for job in (gold_hourly_job, gold_device_daily, features_job):
            job.run(lake, "kiosk", f"r{half}")

    expected = sorted(tuple(row[word] for word in WORDS) for row in sent)
    assert sorted(tuple(row[word] for word in WORDS) for row in rows_of(lake, silver(kiosk))) == expected
    found = {(row["device_id"], row["at"]): row for row in rows_of(lake, features(kiosk))}
    assert [[found["kiosk-1", row["event_time"]][name] for name in numbers] for row in sent] == [
        [row[name] for name in numbers] for row in sent
    ]
    hours = sorted(rows_of(lake, gold_hourly(kiosk)), key=lambda row: row["hour"])
    assert [hour["readings"] for hour in hours] == [6, 6]
    for name in numbers:
        assert [hour[f"{name}_max"] for hour in hours] == [sent[5][name], sent[11][name]]
    columns = ", ".join(f'"{word}"' for word in WORDS)
    platform = folder_platform(tmp_path / "home", contracts_folder=tmp_path)
    for table, copies in (("silver", 1), ("bronze", 2)):
        asked = query.sql(f"SELECT DISTINCT {columns}, count(*) FROM {table}.kiosk GROUP BY ALL", platform=platform)
        assert sorted(row[:-1] for row in map(tuple, asked.rows)) == expected, table
        assert sum(row[-1] for row in asked.rows) == 12 + 2 * (copies - 1), table


def test_jobs_call_a_column_beside_a_contracts_fields_what_no_field_may_be_called() -> None:
    """A field begins with a letter; so what these files add beside all the fields begins with an underscore."""
    for name in ("silver", "quality_frames"):
        text = (REPOSITORY / "spark_jobs" / f"{name}.py").read_text()
        added = re.findall(r'withColumn\(\s*"(\w+)"', text) + re.findall(r'_metadata\.\w+"\)\.alias\("(\w+)"', text)
        assert {column for column in added if not column.startswith("_")} <= {"run_id"}, name
