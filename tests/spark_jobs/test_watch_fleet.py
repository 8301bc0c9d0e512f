"""Who watches the fleet: what arrived in bronze and silver becomes states and alarms, once, whoever else watches."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.catalog import open_catalog
from lake.contracts import load_contracts
from lake.publications import State, read_publications
from lake.tables import DEVICE_HEALTH
from runtime.clock import FixedClock
from runtime.errors import ServiceError
from runtime.settings import Settings
from runtime.sqs import AGE_METRIC
from spark_jobs import watch_fleet as job
from spark_jobs.session import LazyLake
from tests.lake.small_lake import NOON, SmallLake, moment
from tests.spark import FolderPlatform


class Sns:
    """Takes alarms, or refuses them."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.ids: list[str] = []
        self.refuses = False

    def publish(self, *, Subject: str, Message: str, **_: Any) -> None:
        if self.refuses:
            raise ServiceError("the topic is gone")
        self.subjects.append(Subject)
        self.ids.append(json.loads(json.loads(Message)["default"])["id"])


class CloudWatch:
    """Knows how old the oldest message of the telemetry queue is, and takes figures."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: dict[str, list[float]] = defaultdict(list)

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:
        assert Namespace == "fleetlake"
        for figure in MetricData:
            assert figure["Dimensions"] == [{"Name": "contract", "Value": "boiler"}]
            self.told[figure["MetricName"]].append(figure["Value"])

    def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        assert MetricDataQueries[0]["MetricStat"]["Metric"]["MetricName"] == AGE_METRIC
        return {"MetricDataResults": [{"Id": "queue0", "Timestamps": [NOON], "Values": [self.seconds]}]}


class Platform(FolderPlatform):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.sns, self.cloudwatch = Sns(), CloudWatch()

    def client(self, service: str) -> Any:
        return {"sns": self.sns, "cloudwatch": self.cloudwatch}.get(service) or super().client(service)


class Fleet:
    """Boilers (cadence 60 s) of a small lake, and who watches them."""

    def __init__(self, home: Path) -> None:
        self.small = SmallLake(home)
        self.platform = Platform(self.small.platform.settings)
        self.small.platform = self.platform
        self._number = 0

    def arrive(self, minute: float, *devices: str) -> None:
        """A reading of each, received and put then."""
        rows = []
        for device in devices:
            self._number += 1
            rows.append(self.small.reading(device, self._number) | {"event_time": moment(minute), "received_at": moment(minute)})
        self.small.put_bronze(rows, moment(minute))

    def watch(self, minute: float, boundary: Any = lambda _: None) -> Any:
        self._number += 1
        lake = LazyLake(self.platform, load_contracts(self.platform.settings.contracts_folder), "watch")
        lake.clock, lake.boundary = FixedClock(moment(minute)), boundary
        return job.run(lake, "boiler", f"watch{self._number}")

    def states(self) -> list[tuple[str, str, float]]:
        rows = open_catalog(self.platform).load_table(DEVICE_HEALTH.name).scan().to_arrow().to_pylist()
        return sorted((row["device_id"], row["state"], _minute(row["changed_at"])) for row in rows)

    @property
    def alarms(self) -> list[str]:
        return self.platform.sns.subjects


def _minute(at: datetime) -> float:
    return (at - moment(0)) / timedelta(minutes=1)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "home")


def test_a_device_that_falls_silent_and_comes_back_is_three_rows_and_two_alarms(fleet: Fleet) -> None:
    fleet.arrive(0, "b-1")
    fleet.watch(1)
    assert fleet.watch(5).run_id is None, "three cadences and two minutes are not over"
    fleet.watch(6)
    assert fleet.watch(7).run_id is None, "it is said once"
    fleet.arrive(8, "b-1")
    fleet.watch(9)
    assert fleet.states() == [("b-1", "offline", 6), ("b-1", "online", 1), ("b-1", "online", 9)]
    assert fleet.alarms == ["b-1 of boiler is offline", "b-1 of boiler is online"]


def test_each_look_tells_how_many_fell_silent_and_how_far_silver_is_behind(fleet: Fleet) -> None:
    fleet.small.publish([fleet.small.reading("b-1", 0) | {"event_time": moment(0), "received_at": moment(0)}], "s.1", 1)
    fleet.arrive(2, "b-1")
    fleet.watch(3)
    fleet.watch(9)
    fleet.watch(10)
    assert fleet.platform.cloudwatch.told == {"silver_lag_seconds": [120, 120, 120], "devices_fell_silent": [0, 1, 0]}


def test_a_fleet_of_which_silver_has_all_is_not_behind(fleet: Fleet) -> None:
    fleet.small.publish([fleet.small.reading("b-1", 0) | {"event_time": moment(0), "received_at": moment(0)}], "s.1", 1)
    fleet.watch(3)
    assert fleet.platform.cloudwatch.told["silver_lag_seconds"] == [0]


def test_what_is_usual_is_learnt_from_silver_and_bronze_together(fleet: Fleet) -> None:
    """Every ten minutes something arrives: to be silent for half an hour, and two minutes on the way, is allowed."""
    rows = [fleet.small.reading("b-1", minute) | {"event_time": moment(minute), "received_at": moment(minute)} for minute in (0, 10, 20)]
    fleet.small.publish(rows, "s.1", 21)
    fleet.arrive(30, "b-1")
    fleet.watch(30)
    assert fleet.watch(61).run_id is None
    assert fleet.watch(63).run_id is not None


def test_a_fleet_that_falls_silent_is_one_alarm(fleet: Fleet) -> None:
    devices = [f"b-{number}" for number in range(6)]
    fleet.arrive(0, *devices)
    fleet.watch(1)
    fleet.watch(10)
    fleet.watch(20)
    fleet.arrive(21, *devices)
    fleet.watch(22)
    assert fleet.alarms == ["the fleet of boiler is silent", "the fleet of boiler is well"]
    assert [row for row in fleet.states() if row[0] == "*"] == [("*", "silent", 10), ("*", "well", 22)]


def test_a_queue_that_is_behind_is_the_pipeline_and_not_the_device(fleet: Fleet) -> None:
    fleet.arrive(0, "b-1", "b-2")
    fleet.watch(1)
    fleet.platform.cloudwatch.seconds = 1_200.0
    fleet.watch(30)
    assert fleet.alarms == ["the fleet of boiler is silent"]


def test_an_alarm_that_nobody_took_is_told_by_the_next_run(fleet: Fleet) -> None:
    fleet.arrive(0, "b-1")
    fleet.watch(1)
    fleet.platform.sns.refuses = True
    with pytest.raises(ServiceError, match="the topic is gone"):
        fleet.watch(10)
    assert fleet.states() == [("b-1", "online", 1)]
    fleet.platform.sns.refuses = False
    fleet.watch(15)
    assert fleet.alarms == ["b-1 of boiler is offline"]


def test_of_two_watchers_at_once_one_publishes_and_a_second_alarm_has_the_same_id(fleet: Fleet) -> None:
    fleet.arrive(0, "b-1")
    fleet.watch(1)

    def meanwhile(boundary: str) -> None:
        if boundary == "told":
            fleet.watch(10)

    assert fleet.watch(10, meanwhile).run_id is None
    assert fleet.states() == [("b-1", "offline", 10), ("b-1", "online", 1)]
    assert len(fleet.alarms) == 2
    assert len(set(fleet.platform.sns.ids)) == 1
    states = [run.state for run in read_publications(fleet.platform, DEVICE_HEALTH.name, "boiler")]
    assert sorted(states) == [State.ABANDONED, State.VISIBLE, State.VISIBLE]


def test_no_session_of_spark_is_opened(fleet: Fleet) -> None:
    fleet.arrive(0, "b-1")
    lake = LazyLake(fleet.platform, load_contracts(fleet.platform.settings.contracts_folder), "watch")
    lake.clock = FixedClock(moment(1))
    job.run(lake, "boiler", "watch")
    assert "spark" not in vars(lake)
