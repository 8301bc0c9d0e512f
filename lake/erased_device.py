"""How a device is found where it is to be erased.

What is data goes by whose it is: the device of its column or topic, or the one that a payload says it is of. A word that happens
to be the device's id makes nothing its own: ids may be "12" or "pump". Only texts that people read lose whatever names it.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property

# engine-1 is not named in engine-10, in my-engine-1 or in engine-1-b.
_OF_NAMES = "A-Za-z0-9_-"


@dataclass(frozen=True)
class Device:
    id: str

    @property
    def pattern(self) -> str:
        """A regular expression for the id as a whole word, for Python and for Java."""
        return f"(?<![{_OF_NAMES}]){re.escape(self.id)}(?![{_OF_NAMES}])"

    @cached_property
    def _in_text(self) -> "re.Pattern[str]":
        return re.compile(self.pattern)

    def is_named_in(self, text: str) -> bool:
        """Whether a text for people names it as a whole word."""
        return self.id in text and self._in_text.search(text) is not None

    def sent(self, device_id: str | None, payload: bytes) -> bool:
        """Whether a message is the device's: `device_id` is that of its topic, None or empty where it has none that can be read."""
        if device_id:
            return device_id == self.id or claimed_device(payload) == self.id
        return claimed_device(payload) == self.id or self._stands_in(payload)

    def _stands_in(self, payload: bytes) -> bool:
        """Of a message that nobody is known to have sent: whether the id stands in it by itself, in quotes or as a level of a topic."""
        return re.search(b'(?<=["/])' + re.escape(self.id.encode()) + b'(?=["/])', payload) is not None


def claimed_device(payload: bytes) -> str:
    """The device that a payload says it is of; empty where it says none."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    return str(document.get("device_id", "")) if isinstance(document, dict) else ""
