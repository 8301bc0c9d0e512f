"""The law over what is gone as it should: readings of an erased device, and of days that are kept no longer."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lake.law import Place, Verdict, verify
from lake.law_queues import Queues
from lake.maintenance import Action, Proof, Subject, erased_at, kept_from, kept_words, record
from lake.maintenance import Verdict as Said
from runtime.clock import FixedClock
from runtime.errors import LawBroken
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake

# Truth by hand says that all was sent at noon.
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    return SmallLake(tmp_path)


@pytest.fixture
def truth(tmp_path: Path) -> HandTruth:
    return HandTruth(tmp_path / "truth" / "t1.jsonl")


def judged(lake: SmallLake, truth: HandTruth) -> Verdict:
    return verify(lake.platform, [truth.file], queues=lambda: Queues(0))


def erase(lake: SmallLake, device: str, at: datetime) -> Subject:
    subject = Subject.new(device)
    proof = Proof("e", Action.ERASE, "the lake", Said.BEGUN, subject=subject.hash, salt=subject.salt)
    record(lake.platform, FixedClock(at), proof)
    return subject


def test_a_missing_reading_of_an_erased_device_is_erased_and_that_of_another_lost(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading("b-1", 1), lake.reading("b-2", 1))
    erase(lake, "b-1", NOON + timedelta(hours=1))
    verdict = judged(lake, truth)
    assert (verdict.place(Place.ERASED), verdict.place(Place.LOST)) == (1, 1)
    with pytest.raises(LawBroken, match="1 lost; first: lost: boiler of b-2"):
        verdict.check()


def test_what_was_sent_after_the_erasure_must_be_somewhere(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading("b-1", 1))
    erase(lake, "b-1", NOON - timedelta(hours=1))
    assert judged(lake, truth).place(Place.LOST) == 1


def test_what_was_never_acknowledged_is_not_called_erased(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading("b-1", 1), acknowledged=False)
    erase(lake, "b-1", NOON + timedelta(hours=1))
    verdict = judged(lake, truth)
    verdict.check()
    assert (verdict.place(Place.ERASED), verdict.tallies[0].unacknowledged_not) == (0, 1)


def test_readings_of_days_that_silver_keeps_no_longer_are_expired(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading("b-1", 1), lake.reading("b-1", 60 * 24))
    proof = Proof("r", Action.RETAIN, "silver.boiler", Said.HOLDS, why=kept_words(date(2026, 3, 2)))
    record(lake.platform, FixedClock(NOON), proof)
    verdict = judged(lake, truth)
    assert (verdict.place(Place.EXPIRED), verdict.place(Place.LOST)) == (1, 1)


def test_a_proof_knows_its_device_and_no_other() -> None:
    one, again = Subject.new("b-1"), Subject.new("b-1")
    assert one.hash != again.hash
    assert one.is_of("b-1")
    assert not one.is_of("b-2")
    assert "b-1" not in one.hash + one.salt
    proof = Proof("e", Action.ERASE, "silver.x", Said.HOLDS, subject=one.hash, salt=one.salt, recorded_at=NOON)
    assert erased_at([proof], "b-1") == NOON
    assert erased_at([proof], "b-10") is None


def test_the_last_retention_says_from_when_on_is_kept() -> None:
    days = (date(2026, 1, 2), date(2026, 1, 1))
    proofs = [Proof("r", Action.RETAIN, "silver.x", Said.HOLDS, why=kept_words(day)) for day in days]
    assert kept_from(proofs, "silver.x") == date(2026, 1, 2)
    assert kept_from(proofs, "silver.y") is None
