"""What AWS IoT tells of each change of a shadow, and the queue it comes to: the rules, declared once, and a change as read from one.

A shadow's change is published on ``update/documents`` and its deletion on ``delete/accepted``, of the classic shadow and of named ones. It is
the Device Shadow service that publishes: who asked for the change is not in it.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from runtime.errors import UserError
from runtime.settings import Settings

DESCRIPTION = "Tells each change of a shadow to its cache."
_CLASSIC, _NAMED = "$aws/things/+/shadow", "$aws/things/+/shadow/name/+"
# Rule's name behind the prefix → the topics that it hears.
_FILTERS = {
    "shadow_documents": f"{_CLASSIC}/update/documents",
    "shadow_documents_named": f"{_NAMED}/update/documents",
    "shadow_deleted": f"{_CLASSIC}/delete/accepted",
    "shadow_deleted_named": f"{_NAMED}/delete/accepted",
}
_TOPIC = re.compile(r"\$aws/things/(?P<thing>[^/]+)/shadow(?:/name/(?P<name>[^/]+))?/(?P<what>update/documents|delete/accepted)")


def rules(settings: Settings) -> dict[str, str]:
    """SQL by the rule's name. The bytes are kept, as a rule changes numbers that it parses."""
    return {f"{settings.rule_name}_{name}": _sql(topic) for name, topic in _FILTERS.items()}


def _sql(topic: str) -> str:
    return (
        "SELECT encode(*, 'base64') AS payload, topic() AS topic, timestamp() AS received_at "  # noqa: S608 - a topic of our own constants
        f"FROM '{topic}'"
    )


@dataclass(frozen=True)
class Change:
    """`state` holds ``desired`` and ``reported``; None of a deletion, whose `version` is the one that was deleted."""

    thing: str
    name: str
    version: int
    timestamp: int
    state: dict[str, Any] | None
    metadata: dict[str, Any] | None
    received_at: int


def read(message: str) -> Change:
    """A change from the body of a queue's message. Raises UserError where it is none of a shadow."""
    try:
        envelope = json.loads(message)
        topic = _TOPIC.fullmatch(envelope["topic"])
        document = json.loads(base64.b64decode(envelope["payload"], validate=True))
        if topic is None:
            raise UserError(f"read a change of a shadow: {str(envelope['topic'])[:200]!r} is no topic of one")
        is_update = topic["what"] == "update/documents"
        current = document["current"] if is_update else document
        return Change(
            thing=topic["thing"],
            name=topic["name"] or "",
            version=int(current["version"]),
            timestamp=int(document["timestamp"]),
            state=dict(current["state"]) if is_update else None,
            metadata=dict(current["metadata"]) if is_update else None,
            received_at=int(envelope["received_at"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error, RecursionError) as error:
        raise UserError(f"read a change of a shadow: {type(error).__name__}: {error} in {message[:200]!r}") from None
