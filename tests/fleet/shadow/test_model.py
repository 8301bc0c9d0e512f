"""`make proof-shadow`, small: 2,000 random steps, in which the engine must answer as the reference model does."""

import itertools
from typing import Any

import pytest

from fleet.shadow import engine
from tests.fleet.shadow.duel import Differs, play
from tests.fleet.shadow.engine_side import EngineSide
from tests.proofs import Size
from tests.proofs import shadow as proof


def test_the_engine_answers_as_the_reference_model_does() -> None:
    counts = proof.total([proof.model_round(0, Size.SMALL)], least=1)
    assert (counts["steps"], counts["differences"]) == (2_000, 0)
    assert counts["shadows"] > 20


def test_a_kind_of_step_that_did_not_occur_is_told() -> None:
    with pytest.raises(AssertionError, match="size at the limit"):
        proof.total([play("few", 20, EngineSide).told()], least=1)


def test_a_record_that_does_not_stay_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(engine.Shadow, "to_record", lambda self: {"number": next(numbers)})
    with pytest.raises(Differs):
        play("record", 100, EngineSide)


def test_a_record_that_is_read_as_another_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[engine.Shadow] = []
    read = engine.Shadow.from_record

    def from_record(record: dict[str, Any]) -> engine.Shadow:
        first.append(read(record))
        return first[0]

    monkeypatch.setattr(engine.Shadow, "from_record", from_record)
    with pytest.raises(Differs, match="is read as"):
        play("record", 200, EngineSide)


def test_a_refusal_whose_body_is_not_its_parts_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.ShadowError, "body", lambda self, now: {})
    with pytest.raises(Differs, match="the body of a refusal"):
        play("refusal", 100, EngineSide)
