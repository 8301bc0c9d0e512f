"""`fleetlake timeseries` as a person uses it after an outage, on AWS's side of the seam: S3 by moto, InfluxDB by its stand-in."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cli.main import run
from ingestion.bronze import put_bronze
from ingestion.projection import Projection
from ingestion.rows import Rows
from lake.missed import missed
from runtime.platforms import current_platform
from runtime.settings import Settings
from tests.ingestion.bench import PUT_AT, bench
from tests.ingestion.builders import BOILER, contracts_in, decoded, pack, reading
from tests.ports.influx_stand_in import ORG, TOKEN, InfluxStandIn, Reply, influx_stand_in

pytestmark = pytest.mark.long


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InfluxStandIn]:
    """An empty bucket, an empty InfluxDB, and the settings of both."""
    with bench(tmp_path), influx_stand_in() as running:
        values = {"PLATFORM": "aws", "HOME": str(tmp_path), "CONTRACTS_FOLDER": str(tmp_path / "contracts"), "INFLUX_URL": running.url}
        for name, value in (values | {"INFLUX_ORG": ORG, "INFLUX_TOKEN": TOKEN}).items():
            monkeypatch.setenv(f"FLEETLAKE_{name}", value)
        yield running


def arrive(*counts: int, hours: int = 0, server_is_down: InfluxStandIn | None = None) -> None:
    """A batch to bronze; with `server_is_down` the worker's write to it fails."""
    platform = current_platform()
    contracts = contracts_in(Settings.from_environment().contracts_folder)
    rows = Rows.of(contracts, [decoded(pack(*(reading(count) for count in counts)), contracts).rows])
    put_at = PUT_AT + timedelta(hours=hours)
    put_bronze(platform, rows, put_at)
    if server_is_down:
        server_is_down.replies.append(Reply(503))
        assert Projection(platform).project(rows, put_at) == len(counts)


def stored() -> int:
    return current_platform().time_series().count("boiler")


def test_what_was_missed_is_written_once_however_often_it_is_asked(server: InfluxStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    arrive(0, 1, 2, server_is_down=server)
    arrive(3, hours=1, server_is_down=server)
    assert stored() == 0
    assert run(["timeseries", "catch-up"]) == 0
    assert capsys.readouterr().out == "4 readings of 2 objects written\n"
    assert (stored(), list(missed(current_platform()))) == (4, [])
    assert run(["timeseries", "catch-up", "--contract", "boiler"]) == 0
    assert capsys.readouterr().out == "the time series missed nothing\n"
    assert stored() == 4


def test_a_store_that_is_still_down_is_said_and_the_next_call_goes_on(server: InfluxStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    for hour in range(3):
        arrive(hour, hours=hour, server_is_down=server)
    assert run(["timeseries", "catch-up", "--since", "2026-09-21T19:00:00Z"]) == 0
    server.replies = [Reply(503, None, {"Retry-After": "30"})]
    capsys.readouterr()
    assert run(["timeseries", "catch-up"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is busy (503); try again in 30 s; 0 readings of 0 objects written so far; run it again to go on" in said
    assert run(["timeseries", "catch-up", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"objects": 2, "written": 2, "refused": 0, "gone": 0}
    assert stored() == 3


def test_an_emptied_store_is_filled_from_all_that_came_since(server: InfluxStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    for hour in range(3):
        arrive(hour, hours=hour)
    assert run(["timeseries", "catch-up", "--since", "2026-09-21T18:00:00Z", "--contract", "boiler"]) == 0
    assert capsys.readouterr().out == "2 readings of 2 objects written\n"
    assert run(["timeseries", "catch-up", "--since", "2026-09-01"]) == 0
    assert stored() == 3


def test_a_time_that_is_none_and_a_contract_that_is_not_there_are_refused(
    server: InfluxStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["timeseries", "catch-up", "--since", "yesterday"]) == 2
    assert "write it like 2026-11-24T09:00:00Z" in capsys.readouterr().err
    assert run(["timeseries", "catch-up", "--contract", "kettle"]) == 1
    assert "the folder has boiler" in capsys.readouterr().err


def test_tend_waits_for_what_is_missed_and_then_lets_go(server: InfluxStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["timeseries", "tend"]) == 0
    assert "no contract says" in capsys.readouterr().out
    arrive(0, server_is_down=server)
    (tmp_path / "contracts" / "boiler.yaml").write_text(BOILER + "timeseries: {keep_days: 30}\n")
    assert run(["timeseries", "tend"]) == 1
    assert "first `fleetlake timeseries catch-up`" in capsys.readouterr().err
    assert run(["timeseries", "catch-up"]) == 0
    assert run(["timeseries", "tend"]) == 0
    assert server.buckets["fleetlake_boiler"].keeps_seconds == 30 * 86_400
    assert capsys.readouterr().out.endswith("boiler: 0 windows written\n")
