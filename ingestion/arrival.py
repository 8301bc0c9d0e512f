"""A queue's message to readings: what the rule wrote, or what its error action did, opened and decoded. No content raises."""

from collections.abc import Mapping
from datetime import datetime

from ingestion.decode import Decoded, decode
from ingestion.decode_fast import decode_into
from ingestion.envelope import BadEnvelope, Envelope, read_envelope
from ingestion.rows import Rows
from ingestion.rule_error import is_rule_error, read_rule_error
from lake.contracts import Contract
from lake.layout import UNKNOWN_CONTRACT
from lake.quarantine import Quarantined
from lake.reasons import Reason
from runtime.settings import Settings


def decode_message(body: str, sent_at: datetime | None, contracts: Mapping[str, Contract], settings: Settings) -> Decoded:
    """Every reading of a message of the telemetry or the error queue; `sent_at` is when the queue got it."""
    try:
        envelope = read_message(body, sent_at, settings.topic_prefix)
    except BadEnvelope as bad:
        return Decoded((), (_unopened(body, bad),))
    return decode(envelope, contracts, settings.future_seconds)


def decode_message_into(rows: Rows, body: str, sent_at: datetime | None, settings: Settings) -> list[Quarantined]:
    """The same the quick way, as worker and Lambda function do it: each reading in `rows`, or in the answer."""
    try:
        envelope = read_message(body, sent_at, settings.topic_prefix)
    except BadEnvelope as bad:
        return [_unopened(body, bad)]
    return decode_into(rows, envelope, settings.future_seconds)


def _unopened(body: str, bad: BadEnvelope) -> Quarantined:
    return Quarantined(UNKNOWN_CONTRACT, "", "", body.encode(errors="surrogatepass"), None, Reason.BAD_ENVELOPE, str(bad))


def read_message(body: str, sent_at: datetime | None, topic_prefix: str) -> Envelope:
    """The envelope, whichever of the two wrote it. Raises BadEnvelope."""
    try:
        return read_envelope(body, topic_prefix)
    except BadEnvelope:
        if is_rule_error(body):
            return read_rule_error(body, topic_prefix, sent_at)
        raise
