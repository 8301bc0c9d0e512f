"""The law reading by reading: every place is told from every other, and every breach is found and named."""

import json

import pytest

from lake.identity import canonical_json
from lake.law import Breach, Place, Verdict, verify
from lake.law_queues import UNREACHABLE, Message, Queues
from lake.publications import State
from runtime.errors import LawBroken, LawUnknown
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake

EMPTY = Queues(0)


def judged(lake: SmallLake, truth: HandTruth, queues: Queues = EMPTY) -> Verdict:
    return verify(lake.platform, [truth.file], queues=lambda: queues)


def places(verdict: Verdict) -> dict[Place, int]:
    return {place: verdict.place(place) for place in Place if verdict.place(place)}


def breaches(verdict: Verdict) -> dict[Breach, int]:
    return {breach: verdict.breach(breach) for breach in Breach if verdict.breach(breach)}


def test_readings_that_are_all_visible_once_fulfil_the_law(lake: SmallLake, truth: HandTruth) -> None:
    rows = [lake.reading(seq=seq, starts=7, burning=False, mode="eco") for seq in range(3)]
    truth.sent(*rows)
    lake.publish(rows, "r.1", 5)
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.sent, verdict.surprised) == ({Place.VISIBLE: 3}, 3, 0)
    [tally] = verdict.tallies
    assert (tally.contract, tally.device_id, tally.sent) == ("boiler", "b-1", 3)


def test_a_reading_that_is_nowhere_is_lost_and_named(lake: SmallLake, truth: HandTruth) -> None:
    there, lost = lake.reading(seq=0), lake.reading(seq=1)
    truth.sent(there, lost)
    lake.publish([there], "r.1", 5)
    verdict = judged(lake, truth)
    assert breaches(verdict) == {Breach.LOST: 1}
    assert not verdict.holds
    with pytest.raises(LawBroken, match=r"1 lost.*boiler of b-1, boot x, seq 1, measured 2026-03-01T12:01:00") as broken:
        verdict.check()
    assert broken.value.exit_code == 1
    assert lost["event_id"] in str(broken.value)


def test_a_reading_visible_twice_is_named_with_the_runs_that_published_it(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading(seq=4)
    truth.sent(row)
    lake.publish([row], "r.1", 5)
    lake.publish([row], "r.2", 6)
    verdict = judged(lake, truth)
    assert breaches(verdict) == {Breach.TWICE: 1}
    with pytest.raises(LawBroken, match=r"visible twice.*seq 4.*2 rows, of r\.1 and r\.2"):
        verdict.check()


def test_a_value_that_changed_on_its_way_is_a_loss_and_a_phantom(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0, water=50.0))
    lake.publish([lake.reading(seq=0, water=50.00000000000001)], "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1, Breach.PHANTOM: 1}


def test_quarantined_readings_are_found_by_topic_place_and_bytes(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent_bytes(b'{"ts": 1, NaN', index=3, fate="quarantine:not_json", fault="broken_json")
    truth.sent_bytes(b"\xff\xfe", index=None, fate="quarantine:not_utf8")
    truth.sent_bytes(b"{}", index=0, contract="Nonsense", fate="quarantine:unknown_contract")
    lake.put_quarantined(b'{"ts": 1, NaN', index=3)
    lake.put_quarantined(b"\xff\xfe", index=None, reason="not_utf8")
    lake.put_quarantined(b"{}", contract="Nonsense", folder="_unknown", reason="unknown_contract")
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.surprised) == ({Place.QUARANTINED: 3}, 0)


def test_the_same_bytes_at_another_place_are_another_reading(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent_bytes(b"{", index=3, fate="quarantine:not_json")
    lake.put_quarantined(b"{", index=4)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1, Breach.PHANTOM: 1}


def test_of_a_conflict_one_is_visible_and_the_other_in_quarantine(lake: SmallLake, truth: HandTruth) -> None:
    first, second = lake.reading(seq=0, water=1.0), lake.reading(seq=0, water=2.0)
    truth.sent(first)
    truth.sent(second, fate="conflict", fault="conflict")
    # The second one came first: either may stay.
    lake.publish([second], "r.1", 5)
    remade = {"ts": int(first["event_time"].timestamp() * 1000), "boot": "x", "seq": 0, "water": 1}
    lake.put_quarantined(canonical_json(remade), index=None, reason="event_id_conflict", origin="silver", event_id=first["event_id"])
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.surprised) == ({Place.VISIBLE: 1, Place.QUARANTINED: 1}, 0)


def test_a_conflict_that_left_no_trace_is_lost(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0, water=1.0))
    truth.sent(lake.reading(seq=0, water=2.0), fate="conflict")
    lake.publish([lake.reading(seq=0, water=1.0)], "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1}


def test_both_values_of_a_conflict_in_silver_are_visible_twice(lake: SmallLake, truth: HandTruth) -> None:
    rows = [lake.reading(seq=0, water=1.0), lake.reading(seq=0, water=2.0)]
    truth.sent(rows[0])
    truth.sent(rows[1], fate="conflict")
    lake.publish(rows, "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.TWICE: 1}


def test_held_readings_are_held_and_not_lost(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading(seq=0)
    truth.sent(row)
    lake.plan("r.1", [lake.put_bronze([row])])
    lake.note("r.1", State.HELD, 5)
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.in_flight) == ({Place.HELD: 1}, 0)


def test_refused_readings_are_quarantined_by_the_gate(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading(seq=0, mode="full")
    truth.sent(row)
    lake.plan("r.1", [lake.put_bronze([row])])
    lake.note("r.1", State.HELD, 5)
    lake.note("r.1", State.REFUSED, 6)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1}
    remade = {"ts": int(row["event_time"].timestamp() * 1000), "boot": "x", "seq": 0, "water": 50, "mode": "full"}
    lake.put_quarantined(canonical_json(remade), index=None, reason="gate_refused", origin="gate", event_id=row["event_id"])
    verdict = judged(lake, truth)
    assert (places(verdict), breaches(verdict), verdict.surprised) == ({Place.QUARANTINED: 1}, {}, 0)


@pytest.mark.parametrize("state", [None, State.PUBLISHING, State.ABANDONED])
def test_bronze_that_no_run_has_settled_is_in_flight(lake: SmallLake, truth: HandTruth, state: State | None) -> None:
    row = lake.reading(seq=0)
    truth.sent(row)
    key = lake.put_bronze([row])
    if state:
        lake.plan("r.1", [key])
        lake.note("r.1", state, 5)
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.in_flight) == ({Place.WAITING: 1}, 1)


def test_a_reading_that_a_visible_run_planned_and_did_not_publish_is_lost(lake: SmallLake, truth: HandTruth) -> None:
    kept, dropped = lake.reading(seq=0), lake.reading(seq=1)
    truth.sent(kept, dropped)
    lake.plan("r.1", [lake.put_bronze([kept, dropped])])
    lake.publish([kept], "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1}


def test_what_was_not_acknowledged_may_have_arrived_or_not(lake: SmallLake, truth: HandTruth) -> None:
    arrived, not_arrived = lake.reading(seq=0), lake.reading(seq=1)
    truth.sent(arrived, acknowledged=False)
    truth.sent(not_arrived, acknowledged=False)
    lake.publish([arrived], "r.1", 5)
    verdict = judged(lake, truth)
    verdict.check()
    [tally] = verdict.tallies
    assert (tally.sent, tally.unacknowledged_arrived, tally.unacknowledged_not, places(verdict)) == (0, 1, 1, {})


def test_a_resend_is_the_same_reading_and_is_sent_when_one_of_them_was_acknowledged(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading(seq=0)
    truth.sent(row, acknowledged=False)
    truth.sent(lake.reading(seq=9), row, fault="resend")
    lake.publish([row, lake.reading(seq=9)], "r.1", 5)
    verdict = judged(lake, truth)
    verdict.check()
    assert verdict.sent == 2


def test_what_the_broker_must_refuse_may_be_nowhere(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading("b-2", seq=0)
    message = truth.sent(row, acknowledged=False, fate="refused", fault="foreign_topic")
    truth.answered(message, "refused")
    judged(lake, truth).check()
    lake.put_bronze([row])
    assert breaches(judged(lake, truth)) == {Breach.FOREIGN: 1}
    lake.publish([row], "r.1", 5)
    with pytest.raises(LawBroken, match=r"refused, yet arrived: boiler of b-2.*fault foreign_topic, visible"):
        judged(lake, truth).check()


def test_dead_letters_are_found_by_their_bytes(lake: SmallLake, truth: HandTruth) -> None:
    topic = "dt/fleetlake/b-1/boiler"
    truth.sent_bytes(b'{"ts": 5, "seq": 1}', fate="silver", event_id="e" * 32, values={"water": 5})
    truth.sent_bytes(b"broken", index=None, fate="quarantine:not_json")
    pack = b'{"boot": "x", "readings": [{"ts": 5, "seq": 1}]}'
    queues = Queues(0, dead=(Message(topic, pack), Message(topic, b"broken")))
    verdict = judged(lake, truth, queues)
    verdict.check()
    assert places(verdict) == {Place.DEAD_LETTER: 2}
    elsewhere = Queues(0, dead=(Message("dt/fleetlake/b-2/boiler", pack), Message(topic, b"broken")))
    assert breaches(judged(lake, truth, elsewhere)) == {Breach.LOST: 1}


@pytest.mark.parametrize(("queues", "words"), [(Queues(3), "3 messages wait"), (UNREACHABLE, "the queues cannot be asked")])
def test_what_may_still_be_in_the_queue_is_unknown_and_not_lost(lake: SmallLake, truth: HandTruth, queues: Queues, words: str) -> None:
    truth.sent(lake.reading(seq=0))
    verdict = judged(lake, truth, queues)
    assert (places(verdict), breaches(verdict)) == ({Place.UNKNOWN: 1}, {})
    with pytest.raises(LawUnknown, match=words) as unknown:
        verdict.check()
    assert unknown.value.exit_code == 3


def test_a_queue_that_cannot_be_asked_does_not_matter_when_nothing_is_missing(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    assert judged(lake, truth, UNREACHABLE).holds


def test_it_looks_again_while_readings_are_missing(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    looks = []

    def arrive(_seconds: float) -> None:
        looks.append(1)
        lake.publish([lake.reading(seq=0)], "r.1", 5)

    verdict = verify(lake.platform, [truth.file], wait_seconds=30, pause=arrive, queues=lambda: EMPTY)
    assert (verdict.holds, len(looks)) == (True, 1)


def test_a_reading_elsewhere_than_the_simulator_meant_is_a_surprise_and_no_breach(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent_bytes(b"{", fate="quarantine:not_utf8")
    lake.put_quarantined(b"{", reason="not_json")
    row = lake.reading(seq=0)
    content = json.dumps({"ts": int(row["event_time"].timestamp() * 1000), "seq": 0, "water": 50.0}).encode()
    truth.sent(row)
    lake.put_quarantined(content, reason="out_of_range", event_id=row["event_id"])
    verdict = judged(lake, truth)
    verdict.check()
    assert [(s.expected, s.found) for s in verdict.surprises] == [
        ("quarantine:not_utf8", "quarantined as not_json"),
        ("silver", "quarantined as out_of_range"),
    ]
