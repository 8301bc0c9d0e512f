"""What must become of a whole message that nobody wrote down, by the oracle alone; and whether the decoder's outcome is that."""

from dataclasses import dataclass, field
from typing import Any

from ingestion.decode import Decoded
from tests.hostile import oracle
from tests.hostile.cases import DEVICE, MAX_BYTES, MAX_READINGS, Payload, Row
from tests.hostile.judge import as_row, badly_kept
from tests.hostile.walk import cut

_KEPT: dict[tuple[str, str, str | None], Row] = {}
_MOST_KEPT = 4_000


@dataclass(frozen=True)
class _Fate:
    """Of a message that is refused as a whole, `whole` are the reasons that may be given. Otherwise of each reading in its
    place the reasons, none for one that must be taken; and its row, and its bytes."""

    whole: frozenset[str] = frozenset()
    reasons: list[set[str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    parts: tuple[bytes, ...] = ()
    is_pack: bool = True


def look(payload: Payload, outcome: Decoded) -> str | None:
    """What is wrong with an outcome. The payload's own `rows` are those that must be there whatever became of the rest."""
    found = [as_row(reading) for reading, _ in outcome.rows]
    lost = _lost(payload, found)
    return lost or _other(_fate(payload), payload, outcome, found) or badly_kept(payload, outcome)


def _lost(payload: Payload, found: list[Row]) -> str | None:
    there = iter(found)
    missing = [row for row in payload.rows if not any(row == other for other in there)]
    return f"lost the neighbour {missing[0]!r:.400}" if missing else None


def _other(fate: _Fate, payload: Payload, outcome: Decoded, found: list[Row]) -> str | None:
    refused = {row.index: row for row in outcome.quarantined}
    if fate.whole or (not fate.is_pack and fate.reasons[0]):
        allowed = fate.whole or fate.reasons[0]
        given = refused.get(None)
        is_kept = len(outcome.quarantined) == 1 and not found and given is not None and given.content == payload.content
        return (
            None
            if is_kept and given and given.reason.value in allowed
            else f"{_brief(outcome)}, must be one refusal by one of {sorted(allowed)}"
        )
    expected = {place for place, reasons in enumerate(fate.reasons) if reasons}
    if len(outcome.quarantined) != len(refused) or refused.keys() != expected:
        return f"{_brief(outcome)}, must refuse the places {sorted(expected)}"
    for place, row in refused.items():
        assert place is not None
        if row.reason.value not in fate.reasons[place] or row.content != fate.parts[place]:
            return f"{_brief(outcome)}, must refuse {fate.parts[place]!r:.300} by one of {sorted(fate.reasons[place])}"
    if found != fate.rows or any(repr(a.values) != repr(b.values) for a, b in zip(found, fate.rows, strict=True)):
        return f"took {found!r:.1500}, must be {fate.rows!r:.1500}"
    return None


def _brief(outcome: Decoded) -> str:
    refused = [f"{row.index}: {row.reason.value} ({row.detail[:60]})" for row in outcome.quarantined[:10]]
    return f"{len(outcome.rows)} rows and {refused}"


def _fate(payload: Payload) -> _Fate:
    if len(payload.content) > MAX_BYTES:
        return _Fate(frozenset({"too_large"}))
    parsed = oracle.parse(payload.content)
    if parsed.wrong:
        return _piecemeal(payload, parsed.wrong)
    document = parsed.document
    if not isinstance(document, dict) or not ("readings" in document or "ts" in document):
        return _Fate(frozenset({"bad_pack"}))
    if "readings" not in document:
        return _judged(payload, [(document, frozenset())], None, (payload.content,), is_pack=False)
    readings = document["readings"]
    if not isinstance(readings, list) or not readings:
        return _Fate(frozenset({"bad_pack"}))
    wrong = _of_head(document, len(readings))
    return _Fate(wrong) if wrong else _of_pack(payload, document, readings)


def _of_pack(payload: Payload, document: dict[str, Any], readings: list[Any]) -> _Fate:
    found = cut(payload.content)
    parts = found.parts if found is not None else ()
    fate = _judged(payload, [(reading, frozenset()) for reading in readings], document.get("boot"), parts)
    if len(parts) != len(readings) and any(fate.reasons):
        # It parses, but its bytes do not show its readings.
        return _Fate(frozenset(set().union(*fate.reasons)))
    return fate


def _piecemeal(payload: Payload, wrong: frozenset[str]) -> _Fate:
    found = cut(payload.content)
    if found is None or found.parts == (b"",):
        return _Fate(wrong)
    head = oracle.parse(found.head)
    if head.wrong or not isinstance(head.document, dict):
        return _Fate(wrong | head.wrong)
    of_head = _of_head(head.document, len(found.parts))
    if of_head:
        return _Fate(of_head)
    parsed = [oracle.parse(part) for part in found.parts]
    return _judged(payload, [(part.document, part.wrong) for part in parsed], head.document.get("boot"), found.parts)


def _of_head(document: dict[str, Any], count: int) -> frozenset[str]:
    if count > MAX_READINGS:
        return frozenset({"too_large"})
    if "device_id" in document and document["device_id"] != DEVICE:
        return frozenset({"device_mismatch"})
    return frozenset({"wrong_type"}) if oracle.wrong_boot(document.get("boot")) else frozenset()


def _judged(
    payload: Payload, readings: list[tuple[Any, frozenset[str]]], boot: str | None, parts: tuple[bytes, ...], is_pack: bool = True
) -> _Fate:
    reasons = [set(wrong) or oracle.reasons(document, payload.contract) for document, wrong in readings]
    rows = [_row(document, payload.contract, boot) for (document, _), wrong in zip(readings, reasons, strict=True) if not wrong]
    return _Fate(frozenset(), reasons, rows, parts, is_pack)


def _row(document: dict[str, Any], contract: str, boot: str | None) -> Row:
    """Neighbours come again and again, and RFC 8785 is slow."""
    key = (repr(document), contract, boot)
    if key not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = oracle.row(document, contract, boot)
    return _KEPT[key]
