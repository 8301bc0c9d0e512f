"""What nobody sent is found wherever it lies: visible, on its way there, or in quarantine."""

import pytest

from lake.law import Breach
from lake.publications import State
from runtime.errors import LawBroken
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake, moment
from tests.lake.test_law import breaches, judged


def test_a_row_that_nobody_sent_is_a_phantom(lake: SmallLake, truth: HandTruth) -> None:
    row = lake.reading("ghost", seq=2)
    truth.sent(lake.reading(seq=0))
    lake.publish([lake.reading(seq=0), row], "r.1", 5)
    verdict = judged(lake, truth)
    assert breaches(verdict) == {Breach.PHANTOM: 1}
    with pytest.raises(LawBroken, match=f"never sent: boiler of ghost, event id {row['event_id']}, visible by run r.1"):
        verdict.check()


def test_a_quarantined_row_that_nobody_sent_is_a_phantom_too(lake: SmallLake, truth: HandTruth) -> None:
    identity = lake.put_quarantined(b"{nobody sent this")
    verdict = judged(lake, truth)
    assert breaches(verdict) == {Breach.PHANTOM: 1}
    assert identity in verdict.violations[0].reading


def test_a_row_in_bronze_that_nobody_sent_is_a_phantom_before_it_is_visible(lake: SmallLake, truth: HandTruth) -> None:
    waiting, held = lake.reading("ghost", seq=1), lake.reading("ghost", seq=2)
    lake.put_bronze([waiting])
    lake.put_bronze([waiting], moment(1))
    lake.plan("r.1", [lake.put_bronze([held])])
    lake.note("r.1", State.HELD, 5)
    verdict = judged(lake, truth)
    assert breaches(verdict) == {Breach.PHANTOM: 2}
    told = {f"boiler of ghost, event id {row['event_id']}, in bronze and not visible yet" for row in (waiting, held)}
    assert {violation.reading for violation in verdict.violations} == told


def test_a_quarantined_row_that_nobody_sent_and_that_lies_there_twice_is_one_phantom(lake: SmallLake, truth: HandTruth) -> None:
    lake.put_quarantined(b"{nobody sent this")
    (there,) = lake.platform.object_folder.rglob("*.parquet")
    again = there.with_name(there.name.replace(there.stem[-8:], "0" * 8))
    again.write_bytes(there.read_bytes())
    assert breaches(judged(lake, truth)) == {Breach.PHANTOM: 1}
    there.unlink()
    assert breaches(judged(lake, truth)) == {Breach.PHANTOM: 1}


def test_a_message_that_no_rule_wrote_is_named_by_its_quarantine_id_alone(lake: SmallLake, truth: HandTruth) -> None:
    identity = lake.put_quarantined(b"hello", contract="_unknown", folder="_unknown", reason="bad_envelope", device="")
    (violation,) = judged(lake, truth).violations
    assert violation.reading == f"_unknown, quarantined as bad_envelope, quarantine id {identity}"


def test_what_another_run_of_the_home_sent_is_no_phantom_of_the_run_that_is_asked_for(lake: SmallLake, truth: HandTruth) -> None:
    mine, others = lake.reading(seq=0), lake.reading("b-2", seq=0)
    truth.sent(mine)
    other = HandTruth(truth.file.with_name("other.jsonl"), "t2")
    other.sent(others)
    other.sent_bytes(b"{", fate="quarantine:not_json")
    lake.publish([mine, others], "r.1", 5)
    lake.put_quarantined(b"{")
    verdict = judged(lake, truth)
    assert (verdict.sent, breaches(verdict)) == (1, {})
    other.file.unlink()
    assert breaches(judged(lake, truth)) == {Breach.PHANTOM: 2}
