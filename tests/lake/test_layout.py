"""Keys of the lake's objects, made and read back."""

from datetime import UTC, date, datetime

import pytest

from lake.layout import UNKNOWN_CONTRACT, QuarantinePartition, quarantine_day, quarantine_object, quarantine_partition, replayed_object
from lake.reasons import Reason

PUT_AT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("reason", list(Reason))
def test_a_quarantine_key_of_any_reason_is_read_back(reason: Reason) -> None:
    key = quarantine_object("pump", PUT_AT, reason.value, DIGEST)
    assert quarantine_partition(key) == QuarantinePartition("pump", date(2026, 3, 1), reason.value)
    assert quarantine_day(key) == date(2026, 3, 1)


def test_another_key_is_no_quarantine_key() -> None:
    for key in (
        replayed_object(UNKNOWN_CONTRACT, PUT_AT, DIGEST),
        "quarantine/pump/x.parquet",
        quarantine_object("p", PUT_AT, "x", "short"),
    ):
        assert quarantine_partition(key) is None


def test_a_record_of_replayed_rows_lies_beside_the_quarantine_of_its_contract() -> None:
    assert replayed_object("pump", PUT_AT, DIGEST) == f"replayed/pump/ingest_date=2026-03-01/part-{DIGEST}.parquet"
