"""How a device is found where it is to be erased: by its column where there is one, and by its name as a whole word in texts."""

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
        """A regular expression, for Python and for Java."""
        return f"(?<![{_OF_NAMES}]){re.escape(self.id)}(?![{_OF_NAMES}])"

    @cached_property
    def _in_text(self) -> "re.Pattern[str]":
        return re.compile(self.pattern)

    @cached_property
    def _in_bytes(self) -> "re.Pattern[bytes]":
        return re.compile(self.pattern.encode())

    def is_named_in(self, content: object) -> bool:
        """Whether a text or bytes name it. What is neither does not."""
        if isinstance(content, str):
            return self.id in content and self._in_text.search(content) is not None
        if isinstance(content, bytes):
            return self.id.encode() in content and self._in_bytes.search(content) is not None
        return False
