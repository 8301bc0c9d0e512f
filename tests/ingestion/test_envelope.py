"""Envelopes at their edges: what the rule may write is opened, by both ways alike."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.arrival import decode_message, decode_message_into
from ingestion.rows import Rows
from lake.contracts import Contracts
from lake.identity import quarantine_id
from lake.quarantine import Quarantined
from runtime.settings import Settings
from tests.ingestion.builders import NOON_MS, body, contracts_in, pack, reading
from tests.ingestion.test_rule_error import SENT_AT, rule_error

PAYLOAD = pack(reading(0))


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    return contracts_in(tmp_path / "contracts")


def written(topic: str, **members: Any) -> str:
    """What the rule writes, but for `members`; one given as ``...`` is left out."""
    document = json.loads(body(PAYLOAD, "evil-1", topic.removeprefix("dt/fleetlake/evil-1/"))) | {"topic": topic} | members
    return json.dumps({name: value for name, value in document.items() if value is not ...})


def refused(text: str, contracts: Contracts) -> Quarantined:
    """The one row that the message becomes, by both ways."""
    rows = Rows(contracts)
    (fast,) = decode_message_into(rows, text, SENT_AT, Settings())
    exact = decode_message(text, SENT_AT, contracts, Settings())
    assert (exact.rows, exact.quarantined, len(rows)) == ((), (fast,), 0)
    return fast


# On AWS a level that is not there has no name; an empty one is an empty text.
@pytest.mark.parametrize("contract", ["", None, ...])
def test_a_topic_whose_last_level_is_empty_names_a_contract_that_there_is_none_of(contracts: Contracts, contract: Any) -> None:
    row = refused(written("dt/fleetlake/evil-1/", contract=contract), contracts)
    assert (row.reason, row.detail) == ("unknown_contract", "there is no contract ''")
    assert (row.contract, row.device_id, row.topic) == ("", "evil-1", "dt/fleetlake/evil-1/")
    assert (row.received_at, row.principal, row.client_id, row.trace_id) == (
        datetime.fromtimestamp(NOON_MS / 1000 + 3_600, UTC),
        "cert-1",
        "evil-1",
        "trace-1",
    )
    assert (row.content, row.index) == (PAYLOAD, None)
    assert row.quarantine_id == quarantine_id("dt/fleetlake/evil-1/", PAYLOAD, None)


def test_the_same_by_the_rules_error_action(contracts: Contracts) -> None:
    row = refused(rule_error(PAYLOAD, topic="dt/fleetlake/evil-1/"), contracts)
    assert (row.reason, row.contract, row.device_id, row.topic) == ("unknown_contract", "", "evil-1", "dt/fleetlake/evil-1/")
    assert (row.content, row.received_at) == (PAYLOAD, SENT_AT)


@pytest.mark.parametrize(
    "text",
    [
        written("dt/fleetlake/evil-1/boiler", contract=""),
        written("dt/fleetlake/evil-1", contract=""),
        written("dt/fleetlake/evil-1", contract=...),
        written("dt/fleetlake/evil-1/", contract=False),
        written("dt/fleetlake/evil-1/", device_id=""),
        written("dt/fleetlake/other/", contract=""),
        rule_error(PAYLOAD, topic="dt/fleetlake//"),
    ],
)
def test_a_contract_that_only_the_message_leaves_out_is_no_rules_writing(contracts: Contracts, text: str) -> None:
    row = refused(text, contracts)
    assert (row.reason, row.content, row.contract) == ("bad_envelope", text.encode(), "_unknown")
