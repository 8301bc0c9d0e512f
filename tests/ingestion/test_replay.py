"""Quarantined rows decoded again after a contract was widened, on moto: what passes goes to bronze once, the rest stays."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ingestion.decode import decode
from ingestion.replay import Replay, Replayed, again
from lake.contracts import Contracts
from lake.identity import canonical_json, event_id, quarantine_id
from lake.layout import UNKNOWN_CONTRACT
from lake.quarantine import Quarantined, put_quarantined
from lake.quarantine_rows import Selection, read_rows, replayed_ids
from lake.reasons import Reason
from runtime.errors import UserError
from runtime.settings import Settings
from tests.ingestion.bench import PUT_AT, Bench, refusal
from tests.ingestion.builders import BOILER, NOON_MS, body, contracts_in, envelope, pack, reading, spliced

pytestmark = pytest.mark.long

WIDENED = BOILER.replace("version: 1", "version: 2").replace("max: 120", "max: 600")
TOPIC = "dt/fleetlake/b-1/boiler"


def widen(made: Bench) -> Contracts:
    return contracts_in(made.folder, WIDENED)


def replay(made: Bench, contracts: Contracts, selection: Selection | None = None, **options: Any) -> Replayed:
    return Replay(made.platform, contracts, made.clock, **options).run(selection or Selection())


def arrive(made: Bench, *bodies: str) -> None:
    made.send(*bodies)
    made.work()


def identity(count: int) -> str:
    return event_id("b-1", "boiler", NOON_MS + count * 60_000, "b7", count)


def in_bronze(made: Bench) -> list[dict[str, Any]]:
    return made.rows("bronze/")


def test_a_reading_that_a_wider_contract_takes_goes_to_bronze_with_its_envelope(made: Bench) -> None:
    arrive(made, body(pack(reading(0), reading(1, water=500, zone="a"), reading(2, water=700))))
    made.clock.advance(days=40)
    told = replay(made, widen(made))
    assert told == Replayed(looked_at=2, replayed=1, readings=1, stayed=Counter(out_of_range=1))
    (row,) = made.rows("bronze/boiler/ingest_date=2026-10-31/")
    assert row | {"event_id": ""} == {
        "event_id": "", "device_id": "b-1", "event_time": datetime(2026, 9, 21, 16, 2, tzinfo=UTC), "boot": "b7", "seq": 1,
        "received_at": datetime(2026, 9, 21, 17, 1, tzinfo=UTC), "trace_id": "trace-1", "principal": "cert-1", "client_id": "b-1",
        "topic": TOPIC, "water": 500.0, "starts": None, "burning": None, "mode": None, "note": None, "_extra": '{"zone":"a"}',
    }  # fmt: skip
    assert row["event_id"] == identity(1)
    assert made.platform.time_series().latest("boiler", ["b-1"])["b-1"].measures == {"water": 500.0}


def test_a_replay_is_noted_with_the_reading_and_the_version_that_it_passed(made: Bench) -> None:
    content = json.dumps(reading(0, water=500)).encode()
    arrive(made, body(pack(reading(0, water=500))))
    replay(made, widen(made))
    assert made.rows("replayed/boiler/") == [
        {
            "quarantine_id": quarantine_id(TOPIC, content, 0), "contract": "boiler", "reason": "out_of_range", "event_id": identity(0),
            "refused_id": None, "bytes": content, "contract_version": 2, "replayed_at": PUT_AT,
        }
    ]  # fmt: skip
    assert replayed_ids(made.platform, "boiler") == {quarantine_id(TOPIC, content, 0)}
    # The row itself stays where it is.
    assert len(made.rows("quarantine/boiler/")) == 1


def test_a_second_replay_changes_nothing(made: Bench) -> None:
    arrive(made, body(pack(reading(0, water=500), reading(1, water=700))))
    contracts = widen(made)
    replay(made, contracts)
    before = made.keys("")
    made.clock.advance(hours=3)
    told = replay(made, contracts)
    assert told == Replayed(looked_at=1, before=1, stayed=Counter(out_of_range=1))
    assert made.keys("") == before


@pytest.mark.parametrize("boundary", ["put_bronze", "put_quarantine", "wrote_timeseries", "put_replayed"])
def test_a_replay_that_dies_at_a_boundary_is_finished_by_the_next_one(made: Bench, boundary: str) -> None:
    arrive(made, body(pack(reading(0, water=500), boot=None)), body(pack(reading(1, water=500))))
    contracts = widen(made)
    passed: list[str] = []

    def die(name: str) -> None:
        passed.append(name)
        if name == boundary:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(made, contracts, boundary=die)
    assert passed[-1] == boundary
    replay(made, contracts)
    assert len({row["event_id"] for row in in_bronze(made)}) == 2
    assert len(made.keys("bronze/")) == 1
    assert len({row["quarantine_id"] for row in made.rows("replayed/")}) == 2


def test_while_s3_is_away_no_replay_is_noted(made: Bench) -> None:
    arrive(made, body(pack(reading(0, water=500))))

    def fails(name: str, arguments: dict[str, Any]) -> None:
        if name == "put_object" and arguments["Key"].startswith("bronze/"):
            raise refusal(503, "SlowDown")

    made.platform.fails = fails
    with pytest.raises(Exception, match="SlowDown"):
        replay(made, widen(made))
    assert made.keys("replayed/") == []


def test_only_selected_rows_are_replayed(made: Bench) -> None:
    (made.folder / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))
    arrive(made, body(pack(reading(0, water=500))), body(pack(reading(0, water=500)), contract="kettle"))
    made.clock.advance(days=1)
    arrive(made, body(pack(reading(1, water=500), reading(2, mode="off"))))
    contracts = contracts_in(made.folder, WIDENED.replace("[eco, full]", '[eco, full, "off"]'))
    looked_at = [
        replay(made, contracts, selection, dry=True).looked_at
        for selection in (
            Selection(), Selection(contract="boiler"), Selection(contract="kettle"), Selection(reason=Reason.OUT_OF_RANGE),
            Selection(day=date(2026, 9, 21)), Selection("boiler", Reason.OUT_OF_RANGE, date(2026, 9, 22)), Selection(contract="pump"),
        )
    ]  # fmt: skip
    assert looked_at == [4, 3, 1, 4, 2, 2, 0]


def test_a_dry_run_tells_and_puts_nothing(made: Bench) -> None:
    arrive(made, body(pack(reading(0, water=500))))
    before = made.keys("")
    assert replay(made, widen(made), dry=True).readings == 1
    assert made.keys("") == before


def test_a_pack_of_a_contract_that_came_later_is_taken_apart(made: Bench) -> None:
    whole = pack(reading(0), reading(1, water=900), reading(2))
    arrive(made, body(whole, contract="kettle"))
    (made.folder / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))
    told = replay(made, contracts_in(made.folder), Selection(contract="kettle"))
    assert told == Replayed(looked_at=1, replayed=1, readings=2, refused_again=1)
    assert [row["seq"] for row in made.rows("bronze/kettle/")] == [0, 2]
    (refused,) = made.rows("quarantine/kettle/")
    bad = json.dumps(reading(1, water=900)).encode()
    topic = "dt/fleetlake/b-1/kettle"
    assert (refused["reason"], refused["bytes"], refused["index"]) == ("out_of_range", bad, 1)
    # Noted beside the quarantine that the row lies in.
    records = made.rows(f"replayed/{UNKNOWN_CONTRACT}/")
    assert {row["quarantine_id"] for row in records} == {quarantine_id(topic, whole, None)}
    assert sorted((row["event_id"] is None, row["refused_id"], json.loads(row["bytes"])["seq"]) for row in records) == [
        (False, None, 0), (False, None, 2), (True, quarantine_id(topic, bad, 1), 1),
    ]  # fmt: skip
    assert replay(made, contracts_in(made.folder)).replayed == 0


def test_a_message_with_one_reading_that_was_refused_whole_passes_whole(made: Bench) -> None:
    arrive(made, body(json.dumps(reading(0, water=500) | {"boot": "b7"}).encode()))
    assert replay(made, widen(made)).readings == 1
    assert in_bronze(made)[0]["event_id"] == identity(0)


def test_broken_bytes_stay(made: Bench) -> None:
    arrive(made, body(b"\xff"), body(spliced(b'{"ts": NaN, "water": 1}')), body(b'{"ts": 1'), "no envelope")
    told = replay(made, widen(made))
    assert (told.replayed, told.stayed.total(), made.keys("bronze/")) == (0, 4, [])


def refused(contracts: Contracts, content: bytes, **of_envelope: Any) -> Quarantined:
    (row,) = decode(envelope(content, **of_envelope), contracts, 900.0).quarantined
    return row


def test_the_future_is_judged_by_when_it_arrived_and_not_by_a_clock(made: Bench) -> None:
    contracts = contracts_in(made.folder)
    early = refused(contracts, pack(reading(0, ts=NOON_MS + 7_200_000)), received_ms=NOON_MS)
    assert early.reason is Reason.FUTURE_TIME
    # Long after that moment it is still ahead of its own arrival; only a wider allowance lets it pass.
    assert again(early, contracts, Settings()) is None
    assert again(early, contracts, Settings(future_seconds=10_000.0)) is not None


@pytest.mark.parametrize("content", [b'{"ts": 1}], "readings": [{"x": 1}', b'{"ts": "', b'"]}', b"1, 2", b""])
def test_bytes_that_reach_out_of_their_place_never_pass(made: Bench, content: bytes) -> None:
    row = Quarantined("boiler", "b-1", TOPIC, content, 0, Reason.NOT_JSON, "", received_at=PUT_AT, boot="b7")
    assert again(row, contracts_in(made.folder), Settings()) is None


def remade(reason: Reason, origin: str, **members: Any) -> Quarantined:
    """A row as silver or the gate writes it: JSON made again from typed columns, which says its boot itself."""
    content = canonical_json(reading(0, boot="b7", **members))
    return Quarantined("boiler", "b-1", TOPIC, content, None, reason, "", origin=origin, received_at=PUT_AT, boot="b7", event_id="e" * 32)


def test_what_the_gate_refused_is_replayed_when_asked_for_and_keeps_its_identity(made: Bench) -> None:
    put_quarantined(made.platform, [remade(Reason.GATE_REFUSED, "gate")], PUT_AT, ["boiler"])
    contracts = contracts_in(made.folder)
    told = replay(made, contracts)
    assert (told.replayed, told.stayed) == (0, Counter(gate_refused=1))
    assert replay(made, contracts, Selection(reason=Reason.GATE_REFUSED)).readings == 1
    (row,) = in_bronze(made)
    assert (row["event_id"], row["boot"], row["seq"], row["water"]) == ("e" * 32, "b7", 0, 61.5)


def test_a_conflict_stays_and_asking_for_it_says_why(made: Bench) -> None:
    put_quarantined(made.platform, [remade(Reason.EVENT_ID_CONFLICT, "silver")], PUT_AT, ["boiler"])
    contracts = contracts_in(made.folder)
    assert replay(made, contracts).stayed == Counter(event_id_conflict=1)
    with pytest.raises(UserError, match="published first and stays"):
        replay(made, contracts, Selection(reason=Reason.EVENT_ID_CONFLICT))


def test_a_row_that_was_put_twice_is_replayed_once(made: Bench) -> None:
    arrive(made, body(pack(reading(0, water=500))))
    made.clock.advance(days=1)
    arrive(made, body(pack(reading(0, water=500))))
    assert len(list(read_rows(made.platform, Selection()))) == 2
    assert replay(made, widen(made)) == Replayed(looked_at=1, replayed=1, readings=1)


def test_many_rows_are_put_in_batches_of_the_worker_s_size(made: Bench) -> None:
    arrive(made, *(body(pack(*(reading(count * 5 + place, water=500) for place in range(5)))) for count in range(4)))
    made.platform.settings = replace(made.platform.settings, batch_readings=8)
    assert replay(made, widen(made)).readings == 20
    assert sorted(len(made.rows(key)) for key in made.keys("bronze/")) == [4, 8, 8]
