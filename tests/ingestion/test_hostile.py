"""The written corpus of hostile payloads: each is refused for its reason, costs no neighbour, and is the same both ways."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.arrival import decode_message, decode_message_into
from ingestion.decode import decode
from ingestion.decode_fast import decode_into
from ingestion.envelope import Envelope
from ingestion.rows import Rows
from ingestion.validate import Reading
from lake.quarantine import Quarantined, _parquet
from lake.reasons import Reason
from runtime.settings import Settings
from runtime.timeseries import Point
from tests.hostile import corpus, judge
from tests.hostile.bad_envelopes import BAD_ENVELOPE
from tests.hostile.cases import FUTURE_SECONDS, Payload, Refusal, contracts
from tests.hostile.judge import Wrong, judged

pytestmark = pytest.mark.long

# Not decode's to give: found at silver, and said by a person.
_OF_OTHERS = {Reason.EVENT_ID_CONFLICT, Reason.GATE_REFUSED}


def test_there_are_50_payloads_for_each_reason_and_none_twice() -> None:
    written = [(case.reason, case.content, case.contract) for case in corpus.READINGS]
    written += [(case.reason, case.payload, case.contract) for case in corpus.MESSAGES]
    written += [("bad_envelope", body.encode(errors="surrogatepass"), "") for body in BAD_ENVELOPE]
    assert {what: count for what, count in Counter(written).items() if count > 1} == {}
    counts = Counter(reason for reason, _, _ in written)
    assert {reason for reason in Reason if counts[reason.value] < 50} == _OF_OTHERS
    assert len(corpus.SOUND) + len(corpus.BY_HAND) >= 200


def test_every_payload_becomes_what_is_written() -> None:
    payloads = list(corpus.once())
    counts: Counter[str] = Counter()
    for begin in range(0, len(payloads), 200):
        counts += judged(payloads[begin : begin + 200])
    assert all(counts[reason.value] >= 50 for reason in Reason if reason not in {*_OF_OTHERS, Reason.BAD_ENVELOPE})
    assert counts["row"] > 10_000


@pytest.mark.parametrize("body", BAD_ENVELOPE, ids=range(len(BAD_ENVELOPE)))
def test_what_no_rule_wrote_is_kept_as_it_is(body: str) -> None:
    sent_at, rows, settings = datetime(2026, 9, 21, 17, 1, tzinfo=UTC), Rows(contracts()), Settings()
    (fast,) = decode_message_into(rows, body, sent_at, settings)
    decoded = decode_message(body, sent_at, contracts(), settings)
    assert (decoded.rows, decoded.quarantined, len(rows)) == ((), (fast,), 0)
    assert (fast.reason, fast.content, fast.index) == ("bad_envelope", body.encode(errors="surrogatepass"), None)


def test_the_time_series_gets_the_same_points_both_ways() -> None:
    for payload in (corpus.alone(item) for item in corpus.SOUND):
        given, fast = judge.envelope(payload), Rows(contracts())
        decode_into(fast, given, FUTURE_SECONDS)
        reference = Rows.of(contracts(), [decode(given, contracts(), FUTURE_SECONDS).rows])
        assert [_point(point) for point in fast.points()] == [_point(point) for point in reference.points()]


def _point(point: Point) -> tuple[Any, ...]:
    """A measure that is absent or null is none; 31 is not 31.0."""
    return (
        point.series,
        point.device_id,
        point.time,
        sorted((name, repr(value)) for name, value in point.measures.items() if value is not None),
    )


def test_whatever_is_refused_can_be_stored() -> None:
    refused = [row for payload in corpus.once() for row in judge.refused(payload)]
    assert len(refused) > 2_500
    for begin in range(0, len(refused), 500):
        stored = pq.read_table(io.BytesIO(_parquet(refused[begin : begin + 500]))).to_pylist()
        assert [row["bytes"] for row in stored] == [row.content for row in refused[begin : begin + 500]]


_SOUND = next(iter(corpus.SOUND))
_REFUSED = next(iter(corpus.READINGS))


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (replace(corpus.alone(_SOUND), rows=()), "took"),
        (replace(corpus.alone(_SOUND), rows=(replace(_SOUND.row(None), seq=8),)), "took"),
        (replace(corpus.alone(_SOUND), rows=(replace(_SOUND.row(None), values=_SOUND.row(None).values | {"water": 0}),)), "took"),
        (replace(corpus.among(_SOUND, 3, 1), rows=corpus.among(_SOUND, 3, 1).rows[:2]), "took"),
        (replace(corpus.alone(_REFUSED), refused=(Refusal("not_json", _REFUSED.content),)), "refused"),
        (replace(corpus.alone(_REFUSED), refused=()), "refused"),
        (replace(corpus.among(_REFUSED, 3, 1), refused=(Refusal(_REFUSED.reason, _REFUSED.content, 2),)), "refused"),
    ],
)
def test_an_outcome_that_is_not_what_is_written_is_told(payload: Payload, words: str) -> None:
    with pytest.raises(Wrong, match=words):
        judged([payload])


@pytest.mark.parametrize(
    "change",
    [lambda row: replace(row, seq=9), lambda row: replace(row, values=row.values | {"water": -0.0})],
)
def test_a_fast_way_that_makes_another_row_is_told(monkeypatch: pytest.MonkeyPatch, change: Callable[[Reading], Reading]) -> None:
    def changed(rows: Rows, given: Envelope, future_seconds: float) -> list[Quarantined]:
        decoded = decode(given, rows.contracts, future_seconds)
        rows.add_readings(given, [change(reading) for reading, _ in decoded.rows], range(len(decoded.rows)))
        return list(decoded.quarantined)

    monkeypatch.setattr(judge, "decode_into", changed)
    with pytest.raises(Wrong, match="rows differ"):
        judged([corpus.alone(_SOUND)])
