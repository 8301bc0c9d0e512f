"""What is LiveAnalytics' own: versions, rejects of single records, a hundred records a call, tables made when first written."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from runtime.errors import RetryLater, ServiceError
from runtime.timeseries import Point, Reject, Value
from runtime.timeseries_timestream import TimestreamTimeSeries
from tests.ports.timestream_stand_in import TimestreamStandIn, refusal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def point(minute: int = 0, device: str = "p-1", /, **measures: Value) -> Point:
    return Point("pump", device, NOON + timedelta(minutes=minute), measures or {"pressure": float(minute)})


@pytest.fixture
def clients() -> TimestreamStandIn:
    return TimestreamStandIn()


@pytest.fixture
def store(clients: TimestreamStandIn) -> TimestreamTimeSeries:
    return TimestreamTimeSeries(clients, clients, "fleet")


def records(clients: TimestreamStandIn) -> list[int]:
    return [len(arguments["Records"]) for operation, arguments in clients.calls if operation == "WriteRecords"]


def test_a_reading_is_one_record_of_many_measures(store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    store.write([point(0, pressure=1.5, load=7, is_on=True, mode="auto", time=2.0, flow=None)])
    _, sent = clients.calls[-1]
    assert sent["CommonAttributes"] == {"MeasureName": "reading", "MeasureValueType": "MULTI", "TimeUnit": "MILLISECONDS"}
    assert sent["Records"] == [
        {
            "Dimensions": [{"Name": "device_id", "Value": "p-1"}],
            "MeasureValues": [
                {"Name": "is_on", "Value": "true", "Type": "BOOLEAN"},
                {"Name": "load", "Value": "7", "Type": "BIGINT"},
                {"Name": "mode", "Value": "auto", "Type": "VARCHAR"},
                {"Name": "pressure", "Value": "1.5", "Type": "DOUBLE"},
                {"Name": "x_time", "Value": "2.0", "Type": "DOUBLE"},
            ],
            "Time": "1772366400000",
            "Version": 1,
        }
    ]


def test_a_call_has_a_hundred_records_at_most(store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    assert store.write([point(minute) for minute in range(250)]) == []
    # The first meets no table, makes it, and is sent again.
    assert (records(clients), store.count("pump")) == ([100, 100, 100, 50], 250)


def test_rejected_records_come_back_in_their_places_and_cost_no_other(store: TimestreamTimeSeries) -> None:
    store.write([point(3), point(120)])
    changed = [point(minute, pressure=-1.0) if minute in (3, 120) else point(minute) for minute in range(150)]
    rejects = store.write(changed)
    assert rejects == [Reject(index, "A higher version of this record exists.") for index in (3, 120)]
    assert store.count("pump") == 150


def test_a_call_that_is_not_valid_is_halved_down_to_its_record(store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    store.write([point(0)])
    clients.calls.clear()
    invalid = refusal("ValidationException", "WriteRecords", "The record is larger than 2 KB")
    clients.faults = [invalid, invalid, invalid]
    assert store.write([point(1), point(2), point(3), point(4)]) == [Reject(0, "The record is larger than 2 KB")]
    assert (records(clients), store.count("pump")) == ([4, 2, 1, 1, 2], 4)


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_a_busy_timestream_says_later(code: str, store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    store.write([point(0)])
    clients.faults = [refusal(code, "WriteRecords", "slow down")]
    with pytest.raises(RetryLater, match=f"write of pump in Timestream: .*{code}.*try again later"):
        store.write([point(1)])


def test_a_refused_access_and_a_line_that_is_cut_are_service_errors(store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    store.write([point(0)])
    clients.faults = [refusal("AccessDeniedException", "WriteRecords", "not authorized")]
    with pytest.raises(ServiceError, match="not authorized") as caught:
        store.write([point(1)])
    assert not isinstance(caught.value, RetryLater)
    clients.faults = [EndpointConnectionError(endpoint_url="https://ingest")]
    with pytest.raises(RetryLater, match="try again later"):
        store.write([point(1)])


def test_a_database_that_is_not_there_is_named(clients: TimestreamStandIn) -> None:
    with pytest.raises(ServiceError, match="table of pump in the database elsewhere"):
        TimestreamTimeSeries(clients, clients, "elsewhere").write([point(0)])


def test_a_retention_is_the_tables_own_and_set_once(store: TimestreamTimeSeries, clients: TimestreamStandIn) -> None:
    store.write([point(0)])
    for _ in range(2):
        store.retain("pump", 30, NOON)
    wanted = {"MemoryStoreRetentionPeriodInHours": 24, "MagneticStoreRetentionPeriodInDays": 30}
    assert clients.tables["series_pump"]["RetentionProperties"] == wanted
    assert [operation for operation, _ in clients.calls].count("UpdateTable") == 1


@mock_aws
def test_boto3_takes_the_calls_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    write = boto3.client("timestream-write", region_name="us-east-1")
    write.create_database(DatabaseName="fleet")
    store = TimestreamTimeSeries(write, boto3.client("timestream-query", region_name="us-east-1"), "fleet")
    assert store.write([point(minute) for minute in range(101)]) == []
    store.retain("pump", 30, NOON)
    table = write.describe_table(DatabaseName="fleet", TableName="series_pump")["Table"]
    assert table["RetentionProperties"]["MagneticStoreRetentionPeriodInDays"] == 30
