"""The law's verdict as the report shows it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lake.law import Breach, Place, Verdict, verify
from runtime.errors import LawBroken, LawUnknown
from runtime.platforms import Platform

_SHOWN = 8
_PLACES = (Place.VISIBLE, Place.HELD, Place.QUARANTINED, Place.WAITING, Place.DEAD_LETTER)
_BREACHES = tuple(Breach)


def law_facts(platform: Platform, truth_files: Sequence[Path]) -> dict[str, Any]:
    """state (holds, broken or unknown), title, sentence, and the table: headings, rows, violations, surprises."""
    try:
        verdict = verify(platform, truth_files)
    except LawUnknown as unknown:
        sentence = str(unknown).removeprefix("verify: ")
        return {
            "state": "unknown",
            "title": "The law is unknown",
            "sentence": sentence,
            "rows": [],
            "headings": [],
            "violations": [],
            "surprises": "",
        }
    state, title, sentence = _judgement(verdict)
    return {
        "state": state,
        "title": title,
        "sentence": sentence,
        "headings": ["sent", *_PLACES, *_BREACHES, "not acknowledged"],
        "rows": [_row(contract, verdict) for contract in sorted({tally.contract for tally in verdict.tallies})],
        "violations": [str(violation) for violation in verdict.violations[:_SHOWN]],
        "surprises": _surprises(verdict),
    }


def _judgement(verdict: Verdict) -> tuple[str, str, str]:
    try:
        verdict.check()
    except LawUnknown as unknown:
        return "unknown", "The law cannot be told yet", str(unknown).removeprefix("verify: ")
    except LawBroken as broken:
        return "broken", "The law does not hold", str(broken).removeprefix("verify: the law does not hold: ")
    flight = f"{verdict.in_flight:,} of them are still in flight; " if verdict.in_flight else ""
    return (
        "holds",
        "The law holds",
        f"{verdict.sent:,} readings were acknowledged; {flight}none is lost, none visible twice, none was never sent.",
    )


def _row(contract: str, verdict: Verdict) -> dict[str, Any]:
    members = [tally for tally in verdict.tallies if tally.contract == contract]
    numbers = [(sum(tally.sent for tally in members), "")]
    numbers += [(sum(tally.places.get(place, 0) for tally in members), "") for place in _PLACES]
    numbers += [(sum(tally.breaches.get(breach, 0) for tally in members), "bad-number") for breach in _BREACHES]
    numbers.append((sum(tally.unacknowledged_arrived + tally.unacknowledged_not for tally in members), ""))
    cells = [{"text": f"{number:,}", "style": style if number else "zero"} for number, style in numbers]
    return {"contract": contract, "devices": len(members), "cells": cells}


def _surprises(verdict: Verdict) -> str:
    if not verdict.surprised:
        return ""
    first = verdict.surprises[0]
    more = "one reading" if verdict.surprised == 1 else f"{verdict.surprised:,} readings, the first of them"
    return f"Elsewhere than the simulator meant: {more} ({first.reading}): meant for {first.expected}, found {first.found}."
