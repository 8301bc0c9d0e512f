"""Which shadow of which thing."""

import re
from dataclasses import dataclass

from fleet.shadow.errors import ShadowError

# ThingName and ShadowName of botocore's model of iot-data.
_THING = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_NAME = re.compile(r"[$a-zA-Z0-9:_-]{1,64}")


@dataclass(frozen=True)
class Address:
    """The named shadow `name` of `thing`, or its classic one."""

    thing: str
    name: str | None = None

    def check(self) -> None:
        """Raises ShadowError (400) for an id that AWS IoT does not take."""
        if not _THING.fullmatch(self.thing):
            raise _off_pattern("thingName", _THING)
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise _off_pattern("shadowName", _NAME)

    def absent(self, client_token: str | None) -> ShadowError:
        """There is no such shadow: ``No shadow exists with name: engine-7``, of a named one ``engine-7~climate``.

        AWS's table of messages has that sentence with the name bare; its tutorial and its SDKs' logs show the name in single quotes,
        the thing's for a classic shadow and for a named one ``simShadow1`` (tutorial) or ``thing~name`` (seen by clients).
        """
        label = self.thing if self.name is None else f"{self.thing}~{self.name}"
        return ShadowError(404, f"No shadow exists with name: {label}", client_token)


def _off_pattern(member: str, pattern: re.Pattern[str]) -> ShadowError:
    return ShadowError(
        400,
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern.pattern}",
    )
