"""The one error of the Device Shadow service, with AWS's codes and sentences."""

from typing import Any

from runtime.errors import FleetlakeError


class ShadowError(FleetlakeError):
    """A request is refused. Codes and messages: https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-error-messages.html"""

    def __init__(self, code: int, message: str, client_token: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.client_token = client_token

    def body(self, now: int) -> dict[str, Any]:
        """The error response document, which MQTT carries on ``…/rejected``; `now` in epoch seconds."""
        return answer({"code": self.code, "message": self.message, "timestamp": now}, self.client_token)


def answer(body: dict[str, Any], client_token: str | None) -> dict[str, Any]:
    """`body`, with the client token of its request where one was sent."""
    return body if client_token is None else body | {"clientToken": client_token}
