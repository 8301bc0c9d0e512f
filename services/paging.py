"""Page tokens: opaque, and worth nothing to another caller, in another list or with another filter."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from services.problems import Invalid

_TAG_BYTES = 16


@dataclass(frozen=True)
class Paging:
    """Signs where a list goes on. `key` is shared by all processes of the API."""

    key: bytes

    def token(self, where: Any, *, caller: str, listing: str) -> str:
        """`where` is any JSON; `listing` names the list with all its filters."""
        content = json.dumps(where, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(content, caller, listing) + content).decode().rstrip("=")

    def where(self, token: str, *, caller: str, listing: str) -> Any:
        """Raises Invalid for a token that this caller was not given for this list."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (binascii.Error, UnicodeEncodeError, ValueError):
            raw = b""
        tag, content = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not content or not hmac.compare_digest(tag, self._tag(content, caller, listing)):
            raise Invalid("next_token is none that you were given for this list; begin again without it", code="InvalidNextTokenException")
        return json.loads(content)

    def _tag(self, content: bytes, caller: str, listing: str) -> bytes:
        bound = json.dumps([caller, listing]).encode()
        return hmac.new(self.key, bound + b"\0" + content, hashlib.sha256).digest()[:_TAG_BYTES]
