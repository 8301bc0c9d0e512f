"""Messages of the rule's error action, as AWS documents them: the device's bytes go the same way as any other's."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.arrival import decode_message
from ingestion.envelope import BadEnvelope
from ingestion.rule_error import failures, read_rule_error
from lake.contracts import Contracts
from lake.identity import quarantine_id
from runtime.settings import Settings
from tests.ingestion.builders import NOON_MS, contracts_in, fates, pack, reading

SENT_AT = datetime.fromtimestamp(NOON_MS / 1000 + 3_600, UTC)


def rule_error(payload: bytes = b"{}", topic: str = "dt/fleetlake/b-1/boiler", **members: Any) -> str:
    failed = {"failedAction": "SqsAction", "failedResource": "fleetlake-telemetry", "errorMessage": "Failed to send SQS message"}
    document = {
        "ruleName": "fleetlake_telemetry",
        "topic": topic,
        "cloudwatchTraceId": "7e146a2c-95b5-6caf-98b9-50e3969734c7",
        "clientId": "b-1",
        "base64OriginalPayload": base64.b64encode(payload).decode(),
        "failures": [failed],
    }
    return json.dumps({name: value for name, value in (document | members).items() if value is not ...})


@pytest.fixture
def contracts(tmp_path: Any) -> Contracts:
    return contracts_in(tmp_path / "contracts")


def test_the_device_s_readings_become_rows(contracts: Contracts) -> None:
    found = decode_message(rule_error(pack(reading(0), reading(1, water=500))), SENT_AT, contracts, Settings())
    assert fates(found) == ["row", "out_of_range"]
    row, envelope = found.rows[0]
    assert (row.seq, envelope.device_id, envelope.contract, envelope.topic) == (0, "b-1", "boiler", "dt/fleetlake/b-1/boiler")
    assert (envelope.received_at, envelope.client_id, envelope.principal) == (SENT_AT, "b-1", None)
    assert envelope.trace_id == "7e146a2c-95b5-6caf-98b9-50e3969734c7"


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[" * 5000])
def test_any_bytes_are_quarantined_as_if_the_rule_had_brought_them(contracts: Contracts, content: bytes) -> None:
    (refused,) = decode_message(rule_error(content), SENT_AT, contracts, Settings()).quarantined
    assert (refused.content, refused.quarantine_id) == (content, quarantine_id("dt/fleetlake/b-1/boiler", content, None))


def test_the_prefix_of_basic_ingest_is_no_part_of_the_topic() -> None:
    found = read_rule_error(rule_error(topic="$aws/rules/fleetlake_telemetry/dt/fleetlake/b-1/boiler"), "dt/fleetlake", SENT_AT)
    assert (found.topic, found.device_id, found.contract) == ("dt/fleetlake/b-1/boiler", "b-1", "boiler")


def test_a_deeper_topic_names_a_contract_that_there_is_none_of(contracts: Contracts) -> None:
    found = decode_message(rule_error(topic="dt/fleetlake/b-1/boiler/more"), SENT_AT, contracts, Settings())
    assert fates(found) == ["unknown_contract"]


@pytest.mark.parametrize("nobody", ["N/A", "n/a", ...])
def test_a_client_that_is_not_known_is_nobody(nobody: Any) -> None:
    assert read_rule_error(rule_error(clientId=nobody), "dt/fleetlake", SENT_AT).client_id is None


@pytest.mark.parametrize(
    ("members", "sent_at", "why"),
    [
        ({"topic": "other/b-1/boiler"}, SENT_AT, "which is not dt/fleetlake/DEVICE/CONTRACT"),
        ({"topic": "dt/fleetlake/b-1"}, SENT_AT, "which is not dt/fleetlake/DEVICE/CONTRACT"),
        ({"topic": "dt/fleetlake//boiler"}, SENT_AT, "which is not dt/fleetlake/DEVICE/CONTRACT"),
        ({"base64OriginalPayload": "%%"}, SENT_AT, "is not base64"),
        ({}, None, "nothing says when"),
    ],
)
def test_what_cannot_be_read_is_quarantined_whole_with_the_reason(
    contracts: Contracts, members: dict[str, Any], sent_at: datetime | None, why: str
) -> None:
    text = rule_error(**members)
    with pytest.raises(BadEnvelope, match=why):
        read_rule_error(text, "dt/fleetlake", sent_at)
    (refused,) = decode_message(text, sent_at, contracts, Settings()).quarantined
    assert (refused.reason, refused.content, refused.contract) == ("bad_envelope", text.encode(), "_unknown")
    assert why in refused.detail


def test_what_failed_is_told_in_words() -> None:
    assert list(failures(rule_error())) == ["SqsAction to fleetlake-telemetry: Failed to send SQS message"]
    for other in ("hello", "[]", rule_error(failures="no list"), rule_error(failures=["no object"])):
        assert list(failures(other)) == []
