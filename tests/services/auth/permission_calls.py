"""Calls of the operations of permissions, and what a user may by them."""

from typing import Any

from httpx import Response

from services.identity import DeviceFacts, Right, Visible
from tests.services.api import Api, Someone


def grant(api: Api, by: Someone, to: Someone, *devices: str, rights: tuple[str, ...] = ("read", "write"), **more: Any) -> Response:
    return api.call("POST", f"/users/{to.id}/permissions/devices", by, json={"devices": devices, "rights": rights, **more})


def deny(api: Api, by: Someone, to: Someone, **body: Any) -> Response:
    return api.call("POST", f"/users/{to.id}/denials", by, json=body)


def rights(api: Api, who: Someone, device: DeviceFacts) -> str:
    """As the next call has them: its token is verified anew."""
    caller = api.services.tokens.verify(who.token)
    return "".join(right[0] for right in Right if api.services.permissions.decide(caller, right, device).is_allowed)


def visible(api: Api, who: Someone) -> Visible:
    return api.services.permissions.visible(api.services.tokens.verify(who.token))


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def audit(api: Api, root: Someone, of: Someone) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = api.call("GET", f"/users/{of.id}/audit", root).json()["lines"]
    return lines
