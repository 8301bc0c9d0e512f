"""The time-series store may be down for as long as it likes: the lake loses nothing, and the store has it all afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.catch_up import put_since
from ingestion.contract_folder import ContractFolder
from ingestion.projection import Projection
from ingestion.rows import Rows
from ingestion.worker import Worker
from lake.contracts import load_contracts
from lake.missed import missed, note_missed
from runtime.errors import ServiceError
from tests.ingestion.bench import PUT_AT, Bench, bench, refusal
from tests.ingestion.builders import BOILER, body, pack, reading
from tests.ingestion.projection_site import NOON, Site

pytestmark = pytest.mark.long


@pytest.fixture
def site(made: Bench) -> Site:
    return Site(made)


def test_a_store_that_is_down_for_an_hour_costs_the_lake_nothing_and_has_it_all_afterwards(site: Site) -> None:
    assert site.arrive(reading(0)) == 0
    site.store.is_down = True
    for minute in range(1, 61):
        assert site.arrive(reading(minute)) == 1
        site.made.clock.advance(minutes=1)
        site.seconds.now += 60
    assert site.stored() == [0]
    assert (len(site.made.rows("bronze/")), len(site.missed())) == (61, 60)
    site.store.is_down = False
    site.seconds.now += 60
    # Nothing more is sent: a quiet queue is enough.
    site.quiet(61)
    assert (site.stored(), site.missed()) == (list(range(61)), [])


def test_a_worker_goes_on_while_the_store_is_down_and_catches_up_by_itself(site: Site) -> None:
    worker = Worker(site.platform, ContractFolder(site.made.folder), site.made.clock)
    worker._projection = site.projection
    site.store.is_down = True
    site.made.send(*[body(pack(reading(count))) for count in range(20)])
    while not (worker.is_idle and worker.counters.received == 20):
        worker.step()
    assert (site.made.left(), len(site.made.rows("bronze/")), site.stored()) == (0, 20, [])
    assert worker.counters.timeseries_failures == 20
    site.store.is_down = False
    site.seconds.now += 60
    for _ in range(len(site.missed())):
        worker.step()
    assert (site.stored(), site.missed()) == (list(range(20)), [])


def test_a_note_that_cannot_be_put_keeps_the_messages(site: Site) -> None:
    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("timeseries_missed/"):
            raise refusal(503, "SlowDown")

    worker = Worker(site.platform, ContractFolder(site.made.folder), site.made.clock)
    worker._projection = site.projection
    site.made.platform.fails = fails
    site.store.is_down = True
    site.made.send(body(pack(reading(0))))
    worker.step()
    with pytest.raises(Exception, match="SlowDown"):
        worker.step()
    assert (site.made.left(), site.missed()) == (1, [])
    site.made.platform.fails = lambda name, arguments: None
    worker.step()
    assert (site.made.left(), len(site.missed())) == (0, 1)


def test_what_was_caught_up_is_the_same_as_what_is_written_directly(site: Site) -> None:
    site.store.is_down = True
    site.arrive(reading(0, burning=True, mode="eco", starts=2**53 + 1, note="ä'\"", zone="x"), reading(1, water=20, starts=...))
    site.store.is_down = False
    site.seconds.now += 60
    site.quiet()
    found = site.store.range("boiler", "b-1", NOON, NOON + timedelta(days=1))
    assert [point.measures for point in found] == [
        {"water": 61.5, "burning": True, "mode": "eco", "starts": 2**53 + 1, "note": "ä'\""},
        {"water": 20.0},
    ]
    assert type(found[1].measures["water"]) is float


def test_each_look_catches_one_object_up_so_that_new_readings_do_not_wait(site: Site) -> None:
    site.outage(0, 1, 2)
    site.arrive(reading(3))
    assert site.stored() == [3]
    site.quiet()
    assert (len(site.stored()), len(site.missed())) == (2, 2)


def test_a_store_that_is_down_is_asked_seldom(site: Site) -> None:
    site.store.is_down = True
    for second in range(200):
        assert site.arrive(reading(second % 60)) == 1
        site.quiet()
        site.seconds.now += 1
    # After 0 s, then after 5, 10, 20, 40, 60 and 60 s more.
    assert site.store.asked == len([0, 5, 15, 35, 75, 135, 195])


def test_what_a_worker_that_is_no_more_has_missed_is_caught_up_by_another(site: Site) -> None:
    site.outage(0, 1)
    site.projection = Projection(site.platform, site.seconds)
    site.quiet(2)
    assert (site.stored(), site.missed()) == ([0, 1], [])


def test_what_another_worker_missed_is_found_after_a_while(site: Site) -> None:
    site.quiet()
    ours, site.projection = site.projection, Projection(site.platform, site.seconds)
    site.outage(0)
    site.projection = ours
    site.quiet(5)
    assert site.stored() == []
    site.seconds.now += 300
    site.quiet()
    assert site.stored() == [0]


def test_a_catch_up_that_is_killed_between_write_and_note_is_done_again_and_changes_nothing(site: Site) -> None:
    site.outage(0)
    deletes: list[str] = []

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "delete_object" and not deletes:
            deletes.append(arguments["Key"])
            raise refusal(500, "InternalError", "DeleteObject")

    site.made.platform.fails = fails
    site.quiet()
    assert (len(deletes), site.stored(), len(site.missed())) == (1, [0], 1)
    site.seconds.now += 60
    site.quiet()
    assert (site.stored(), site.store.count("boiler"), site.missed()) == ([0], 1, [])


def test_a_note_of_an_object_that_is_gone_is_forgotten(site: Site) -> None:
    site.outage(0)
    (key,) = site.missed()
    site.platform.client("s3").delete_object(Bucket=site.platform.lake_bucket, Key=key)
    site.quiet()
    assert (site.stored(), site.missed()) == ([], [])


def test_an_object_that_cannot_be_read_keeps_no_other_from_it(site: Site) -> None:
    broken = f"bronze/boiler/ingest_date=2026-09-01/ingest_hour=00/part-{'0' * 64}.parquet"
    site.platform.client("s3").put_object(Bucket=site.platform.lake_bucket, Key=broken, Body=b"not Parquet")
    note_missed(site.platform, broken)
    site.outage(0)
    site.quiet(2)
    assert (site.stored(), site.missed()) == ([0], [broken])


def test_what_the_store_refuses_for_good_is_not_tried_again(site: Site) -> None:
    site.store.refuses_first = True
    assert site.arrive(reading(0), reading(1)) == 1
    assert (site.stored(), site.missed()) == ([1], [])
    site.store.refuses_first = False
    site.outage(2, 3)
    site.store.refuses_first = True
    site.quiet(2)
    assert (site.stored(), site.missed()) == ([1], [])


@pytest.mark.parametrize("error", [ServiceError("refused the token"), ValueError("a bug of the adapter")])
def test_whatever_a_store_does_wrong_the_reading_is_noted(site: Site, error: Exception) -> None:
    site.store.error = error
    site.outage(0)
    assert (len(site.missed()), len(site.made.rows("bronze/"))) == (1, 1)


def test_the_objects_of_each_contract_are_noted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "contracts" / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))
    site.contracts = load_contracts(tmp_path / "contracts")
    site.store.is_down = True
    site.arrive(reading(0))
    site.arrive(reading(0), contract="kettle")
    assert site.missed() == site.made.keys("bronze/")
    assert list(missed(site.platform, "kettle")) == site.made.keys("bronze/kettle/")


def test_put_since_has_the_objects_of_that_hour_and_later(site: Site) -> None:
    for count in range(3):
        site.arrive(reading(count))
        site.made.clock.advance(hours=1)
    # Put at 17:30, 18:30 and 19:30.
    found = list(put_since(site.platform, ["boiler"], PUT_AT + timedelta(minutes=90)))
    assert [key.split("/")[3] for key in found] == ["ingest_hour=19"]
    assert len(list(put_since(site.platform, ["boiler"], PUT_AT))) == 3


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Site]:
    with bench(tmp_path) as made:
        (made.folder / "boiler.yaml").write_text(BOILER + "timeseries: {keep_days: 2}\n")
        yield Site(made)


def test_old_readings_go_but_not_while_any_are_missed(keeping: Site) -> None:
    keeping.arrive(reading(0))
    keeping.made.clock.advance(days=3)
    keeping.outage(1)
    keeping.quiet()
    assert keeping.stored() == [0, 1]
    keeping.quiet()
    assert (keeping.stored(), keeping.missed(), len(keeping.made.rows("bronze/"))) == ([], [], 2)


def test_old_readings_go_once_an_hour(keeping: Site) -> None:
    keeping.quiet()
    keeping.arrive(reading(0))
    keeping.made.clock.advance(days=3)
    keeping.seconds.now += 3_599
    keeping.quiet(3)
    assert keeping.stored() == [0]
    keeping.seconds.now += 1
    keeping.quiet()
    assert keeping.stored() == []


def test_what_a_store_does_wrong_in_upkeep_does_not_end_the_worker(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("no such thing was foreseen")

    monkeypatch.setattr("ingestion.projection.missed", broken)
    assert site.projection.keep_up(load_contracts(site.made.folder), NOON) is False


def test_readings_that_no_points_can_be_made_of_are_in_the_lake_and_noted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Rows) -> None:
        raise KeyError("no such thing was foreseen")

    monkeypatch.setattr(Rows, "points", broken)
    assert site.arrive(reading(0)) == 1
    assert (len(site.made.rows("bronze/")), len(site.missed()), site.made.left()) == (1, 1, 0)
