"""The law over replayed readings: no longer quarantined, they are looked for where they went."""

import json
from typing import Any

from lake.identity import canonical_json
from lake.law import Breach, Place
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake
from tests.lake.test_law import breaches, judged, places

OUT_OF_RANGE = b'{"ts": 1772366400000, "seq": 0, "water": 500}'


def refused_once(lake: SmallLake, truth: HandTruth) -> tuple[str, dict[str, Any]]:
    """A reading that was sent and quarantined as out of range; its quarantine id, and the row that a wider contract makes of it."""
    row = lake.reading(seq=0, water=500.0)
    truth.sent_bytes(OUT_OF_RANGE, fate="quarantine:out_of_range", event_id=row["event_id"], boot="x", seq=0)
    return lake.put_quarantined(OUT_OF_RANGE, reason="out_of_range"), row


def test_a_replayed_reading_is_where_it_went_and_counts_once(lake: SmallLake, truth: HandTruth) -> None:
    identity, row = refused_once(lake, truth)
    assert places(judged(lake, truth)) == {Place.QUARANTINED: 1}
    key = lake.put_bronze([row])
    lake.put_replayed(identity, OUT_OF_RANGE, event_id=row["event_id"])
    assert places(judged(lake, truth)) == {Place.WAITING: 1}
    lake.plan("r.1", [key])
    lake.publish([row], "r.1", 5)
    verdict = judged(lake, truth)
    verdict.check()
    assert (places(verdict), verdict.surprised) == ({Place.VISIBLE: 1}, 0)


def test_a_replayed_reading_that_is_nowhere_is_lost_though_its_row_is_in_quarantine(lake: SmallLake, truth: HandTruth) -> None:
    identity, row = refused_once(lake, truth)
    lake.put_replayed(identity, OUT_OF_RANGE, event_id=row["event_id"])
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1}


def test_a_replayed_reading_that_is_visible_twice_breaks_the_law(lake: SmallLake, truth: HandTruth) -> None:
    identity, row = refused_once(lake, truth)
    lake.put_replayed(identity, OUT_OF_RANGE, event_id=row["event_id"])
    lake.publish([row], "r.1", 5)
    lake.publish([row], "r.2", 6)
    assert breaches(judged(lake, truth)) == {Breach.TWICE: 1}


def test_a_replay_with_another_value_is_a_loss_and_a_phantom(lake: SmallLake, truth: HandTruth) -> None:
    identity, row = refused_once(lake, truth)
    lake.put_replayed(identity, OUT_OF_RANGE, event_id=row["event_id"])
    lake.publish([row | {"water": 501.0}], "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1, Breach.PHANTOM: 1}


def test_a_replay_of_what_nobody_sent_is_a_phantom(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading("ghost", seq=0, water=500.0)
    lake.put_replayed(lake.put_quarantined(OUT_OF_RANGE, device="ghost"), OUT_OF_RANGE, event_id=row["event_id"])
    lake.publish([row], "r.1", 5)
    assert breaches(judged(lake, truth)) == {Breach.PHANTOM: 1}


def test_a_replayed_reading_that_silver_refuses_as_a_conflict_is_quarantined(lake: SmallLake, truth: HandTruth) -> None:
    identity, row = refused_once(lake, truth)
    first = row | {"water": 60.0}
    truth.sent(first)
    lake.publish([first], "r.1", 5)
    lake.put_replayed(identity, OUT_OF_RANGE, event_id=row["event_id"])
    document = canonical_json(json.loads(OUT_OF_RANGE) | {"boot": "x"})
    lake.put_quarantined(document, index=None, reason="event_id_conflict", origin="silver", event_id=row["event_id"])
    verdict = judged(lake, truth)
    verdict.check()
    assert places(verdict) == {Place.VISIBLE: 1, Place.QUARANTINED: 1}


def test_a_message_that_was_replayed_in_part_is_as_far_as_its_last_reading(lake: SmallLake, truth: HandTruth) -> None:
    good, bad = OUT_OF_RANGE, b'{"ts": 1, "water": null}'
    whole = b'{"boot": "x", "readings": [' + good + b", " + bad + b"]}"
    row = lake.reading(seq=0, water=500.0)
    truth.sent_bytes(whole, index=None, fate="quarantine:unknown_contract")
    identity = lake.put_quarantined(whole, index=None, reason="unknown_contract", folder="_unknown")
    refused = lake.put_quarantined(bad, index=1, reason="missing")
    assert breaches(judged(lake, truth)) == {Breach.PHANTOM: 1}
    lake.put_replayed(identity, good, event_id=row["event_id"], folder="_unknown")
    lake.put_replayed(identity, bad, refused_id=refused, folder="_unknown")
    lake.put_bronze([row])
    assert places(judged(lake, truth)) == {Place.WAITING: 1}
    lake.publish([row], "r.1", 5)
    verdict = judged(lake, truth)
    assert (breaches(verdict), verdict.surprised) == ({}, 0)
