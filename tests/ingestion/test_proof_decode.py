"""`make proof-decode`, small: 3,000 payloads; and that its oracle would tell what it looks for."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ingestion.decode import Decoded, decode
from ingestion.decode_fast import decode_into
from ingestion.envelope import Envelope
from ingestion.rows import Rows
from lake.contracts import Contract
from lake.quarantine import Quarantined
from lake.reasons import Reason
from tests.hostile import corpus, fuzz, judge, oracle
from tests.hostile.cases import Hostile
from tests.hostile.fate import look
from tests.hostile.judge import Wrong, judged
from tests.hostile.walk import is_one_piece
from tests.proofs import Size
from tests.proofs import decode as proof

pytestmark = pytest.mark.long


def test_hostile_payloads_cost_nothing_but_themselves() -> None:
    counts = proof.prove(Size.SMALL)
    assert (counts["payloads"], counts["crashes"], counts["wrong"], counts["fast_differs"]) == (3_000, 0, 0, 0)
    assert counts["readings_taken"] > 5_000
    assert counts["peak_mb"] < 300


def test_what_is_wrong_is_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(rows: Rows, given: Envelope, future_seconds: float) -> list[Quarantined]:
        if b"NaN" in given.payload:
            raise KeyError("planted")
        return decode_into(rows, given, future_seconds)

    monkeypatch.setattr(judge, "decode_into", raises)
    monkeypatch.setitem(proof._PLANS, Size.SMALL, proof._Plan(1, 300, 200))
    told = proof.round_of(1, Size.SMALL)
    assert told["wrong"].keys() == {"crashes"}
    assert "planted" in told["first_wrong"][0]
    with pytest.raises(AssertionError, match="planted"):
        proof._total(proof._PLANS[Size.SMALL], [told])


def test_the_oracle_says_what_is_written_of_every_reading() -> None:
    for item in corpus.ITEMS:
        assert is_one_piece(item.content)
        parsed = oracle.parse(item.content)
        reasons = set(parsed.wrong) or oracle.reasons(parsed.document, item.contract)
        if isinstance(item, Hostile):
            assert item.reason in reasons, item
        else:
            assert reasons == set(), item
            assert repr(oracle.row(parsed.document, item.contract, "b7")) == repr(item.row("b7"))


def test_by_the_same_seed_come_the_same_payloads() -> None:
    first, again = (fuzz.by_chance(random.Random(1)) for _ in range(2))
    assert [next(first) for _ in range(200)] == [next(again) for _ in range(200)]


def _loses_a_row(decoded: Decoded) -> Decoded:
    return replace(decoded, rows=decoded.rows[1:])


def _doubles_a_row(decoded: Decoded) -> Decoded:
    return replace(decoded, rows=decoded.rows[:1] + decoded.rows)


def _says_another_reason(decoded: Decoded) -> Decoded:
    other = {Reason.NOT_JSON: Reason.NOT_UTF8}
    return replace(decoded, quarantined=tuple(replace(row, reason=other.get(row.reason, Reason.NOT_JSON)) for row in decoded.quarantined))


def _loses_a_refusal(decoded: Decoded) -> Decoded:
    return replace(decoded, quarantined=decoded.quarantined[1:])


def _changes_bytes(decoded: Decoded) -> Decoded:
    return replace(decoded, quarantined=tuple(replace(row, content=row.content + b" ") for row in decoded.quarantined))


def _moves_a_value(decoded: Decoded) -> Decoded:
    return replace(decoded, rows=tuple((replace(row, values=row.values | {"_extra": "{}"}), at) for row, at in decoded.rows))


@pytest.mark.parametrize("change", [_loses_a_row, _doubles_a_row, _says_another_reason, _loses_a_refusal, _changes_bytes, _moves_a_value])
def test_a_decoder_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch, change: Callable[[Decoded], Decoded]) -> None:
    def changed(given: Envelope, contracts: dict[str, Contract], future_seconds: float) -> Decoded:
        return change(decode(given, contracts, future_seconds))

    def into(rows: Rows, given: Envelope, future_seconds: float) -> list[Quarantined]:
        decoded = changed(given, dict(rows.contracts), future_seconds)
        rows.add_readings(given, [reading for reading, _ in decoded.rows], range(len(decoded.rows)))
        return list(decoded.quarantined)

    monkeypatch.setattr(judge, "decode", changed)
    monkeypatch.setattr(judge, "decode_into", into)
    by_chance, rng = fuzz.by_chance(random.Random(2)), random.Random(3)
    with pytest.raises(Wrong):
        judged([next(by_chance) for _ in range(50)], look)
    with pytest.raises(Wrong):
        judged([fuzz.in_any_surrounding(rng) for _ in range(50)])
