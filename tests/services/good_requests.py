"""Of each operation one request that must succeed, written by hand, and who sends it. What a request takes away was made for it just before."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pyotp

from tests.services.live import NAMES, PASSWORD, Live, request_of_a_key
from tests.waiting import eventually


@dataclass(frozen=True)
class Request:
    """`by` is a role, or "" for nobody; `token` is another's than that role's."""

    by: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""

    def sent(self, live: Live, operation: str) -> httpx.Response:
        method, path = operation.split()
        headers = dict(self.headers) | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        return live.call(method, path.format(**self.path), self.by, json=self.body, params=dict(self.query), headers=headers)


def _sign_up(live: Live) -> Request:
    name = live.fresh("guest")
    return Request(body={"user_name": name, "email": f"{name}@example.com", "password": PASSWORD})


def _confirm(live: Live) -> Request:
    name = live.fresh("guest")
    live.sign_up(name)
    return Request(body={"user_name": name, "code": live.code_for(f"{name}@example.com")})


def _resend(live: Live) -> Request:
    name = live.fresh("guest")
    live.sign_up(name)
    return Request(body={"user_name": name})


def _login(live: Live) -> Request:
    return Request(body={"user_name": NAMES["viewer"], "password": PASSWORD})


def _challenge(live: Live) -> Request:
    name = live.fresh("guest")
    live.user(name)
    token = live.sign_in(name).access_token
    totp = _authenticator(live, token)
    live.done("POST", "/auth/mfa/verify", headers={"Authorization": f"Bearer {token}"}, json={"code": totp.now()})
    asked = live.done("POST", "/auth/login", json={"user_name": name, "password": PASSWORD})["challenge"]
    # Each code counts once.
    return Request(body={"session": asked["session"], "code": totp.at(int(time.time()) + 30)})


def _authenticator(live: Live, token: str) -> pyotp.TOTP:
    return pyotp.TOTP(live.done("POST", "/auth/mfa", headers={"Authorization": f"Bearer {token}"})["secret"])


def _verify_mfa(live: Live) -> Request:
    token = live.someone().access_token
    return Request(token=token, body={"code": _authenticator(live, token).now()})


def _reset(live: Live) -> Request:
    name = live.fresh("guest")
    live.user(name)
    live.done("POST", "/auth/password/forgot", json={"user_name": name})
    return Request(body={"user_name": name, "code": live.code_for(f"{name}@example.com"), "password": PASSWORD + " 8"})


def _credentials(live: Live) -> Request:
    session = live.someone()
    return Request(token=session.access_token, body={"id_token": session.id_token})


def _sign_out(live: Live) -> Request:
    return Request(token=live.someone().access_token)


def _for_user(by: str = "admin", confirmed: bool = True, **more: Any) -> Callable[[Live], Request]:
    """About a user that was made for it."""

    def made(live: Live) -> Request:
        name = live.fresh("guest")
        return Request(by, {"user_id": live.user(name) if confirmed else live.sign_up(name)}, **more)

    return made


def _take_grant(live: Live) -> Request:
    user_id = live.user(live.fresh("guest"))
    return Request("operator", {"user_id": user_id, "grant_id": live.grant(user_id, "engine-1")})


def _lift(live: Live) -> Request:
    user_id = live.user(live.fresh("guest"))
    return Request("admin", {"user_id": user_id, "denial_id": live.denial(user_id, "engine-1")})


def _create_device(live: Live) -> Request:
    body = {
        "device_id": live.fresh("spare"),
        "type": "turbofan",
        "attributes": {"site": "hall-3"},
        "groups": ["hall-3"],
        "tags": {"team": "a"},
    }
    return Request("operator", body=body | {"csr": request_of_a_key()}, headers={"Idempotency-Key": live.fresh("key")})


def _import(live: Live) -> Request:
    return Request("operator", body={"devices": [{"device_id": live.fresh("spare")}, {"device_id": live.fresh("spare")}]})


def _of_spare(by: str = "operator", **more: Any) -> Callable[[Live], Request]:
    """About a device that was made for it."""
    return lambda live: Request(by, {"device_id": live.device()}, **more)


def _take_certificate(live: Live) -> Request:
    device_id = live.device()
    return Request("operator", {"device_id": device_id, "certificate_id": live.certificate(device_id)})


def _of_spare_shadow(name: str = "") -> Callable[[Live], Request]:
    def made(live: Live) -> Request:
        device_id = live.device()
        live.shadow(device_id, name)
        return Request("operator", {"device_id": device_id} | ({"name": name} if name else {}))

    return made


def _restore(live: Live) -> Request:
    device_id = live.device()
    live.shadow(device_id)
    live.shadow(device_id, rpm=1_000)
    eventually(lambda: _is_kept(live, device_id), 20, "the document of version 1 is in the shadow's history")
    return Request("operator", {"device_id": device_id}, {"version": 1})


def _is_kept(live: Live, device_id: str) -> bool:
    # The history is fed by the shadow's own messages.
    versions = live.done("GET", f"/devices/{device_id}/shadows/history", "operator")["versions"]
    return any(each["version"] == 1 and each["document"] for each in versions)


_USER_NAME = {"user_name": NAMES["viewer"]}
_DEVICE = {"device_id": "engine-1"}
_RIGHTS = {"rights": ["read", "write"], "expires_at": "2030-01-01T00:00:00Z"}

GOOD: dict[str, Callable[[Live], Request]] = {
    "GET /health": lambda live: Request(),
    "POST /auth/sign-up": _sign_up,
    "POST /auth/confirm": _confirm,
    "POST /auth/resend": _resend,
    "POST /auth/login": _login,
    "POST /auth/challenge": _challenge,
    "POST /auth/refresh": lambda live: Request(body={"refresh_token": live.sessions["viewer"].refresh_token}),
    "POST /auth/sign-out": _sign_out,
    "POST /auth/password/forgot": lambda live: Request(body=_USER_NAME),
    "POST /auth/password/reset": _reset,
    "POST /auth/mfa": lambda live: Request(token=live.someone().access_token),
    "POST /auth/mfa/verify": _verify_mfa,
    "GET /auth/me": lambda live: Request("none"),
    "POST /auth/credentials": _credentials,
    "GET /users": lambda live: Request("admin", query={"filter": 'username = "vera"', "limit": "5"}),
    "GET /users/{user_id}": lambda live: Request("viewer", {"user_id": live.sessions["viewer"].user_id}),
    "DELETE /users/{user_id}": _for_user(),
    "POST /users/{user_id}/confirm": _for_user(confirmed=False),
    "PUT /users/{user_id}/roles": _for_user(body={"roles": ["operator"]}),
    "GET /users/{user_id}/audit": lambda live: Request("admin", {"user_id": live.sessions["viewer"].user_id}),
    "GET /users/{user_id}/permissions": lambda live: Request(
        "viewer", {"user_id": live.sessions["viewer"].user_id}, query={"device_id": "engine-1", "right": "write"}
    ),
    "POST /users/{user_id}/permissions/devices": _for_user("operator", body={"devices": ["engine-1"], **_RIGHTS}),
    "POST /users/{user_id}/permissions/groups": _for_user(body={"groups": ["hall-3"], **_RIGHTS}),
    "POST /users/{user_id}/permissions/tags": _for_user(body={"tags": ["team=a"], **_RIGHTS}),
    "DELETE /users/{user_id}/permissions/{grant_id}": _take_grant,
    "POST /users/{user_id}/denials": _for_user(body={"devices": ["engine-1"], "rights": ["write"]}),
    "DELETE /users/{user_id}/denials/{denial_id}": _lift,
    "POST /api/v1/devices": _create_device,
    "GET /api/v1/devices": lambda live: Request("viewer", query={"query": "thingName:engine*", "sort": "-created_at"}),
    "POST /api/v1/devices/import": _import,
    "GET /api/v1/devices/{device_id}": lambda live: Request("device", {"device_id": NAMES["device"]}),
    "PUT /api/v1/devices/{device_id}": _of_spare(body={"type": "turbofan", "attributes": {"site": "hall-4"}}, headers={"If-Match": '"1"'}),
    "DELETE /api/v1/devices/{device_id}": _of_spare(headers={"If-Match": "*"}),
    "POST /api/v1/devices/{device_id}/certificates": _of_spare(body={}),
    "DELETE /api/v1/devices/{device_id}/certificates/{certificate_id}": _take_certificate,
    "GET /api/v1/devices/{device_id}/history": lambda live: Request("viewer", _DEVICE),
    "GET /devices/{device_id}/shadow": lambda live: Request("viewer", _DEVICE),
    "PUT /devices/{device_id}/shadow": _of_spare(body={"state": {"desired": {"rpm": 900}, "reported": {"rpm": 850}}}),
    "DELETE /devices/{device_id}/shadow": _of_spare_shadow(),
    "GET /devices/{device_id}/shadow/{name}": lambda live: Request("viewer", {**_DEVICE, "name": "config"}),
    "PUT /devices/{device_id}/shadow/{name}": lambda live: Request(
        "device", {"device_id": NAMES["device"], "name": "config"}, {"state": {"reported": {"rpm": 850}}}
    ),
    "DELETE /devices/{device_id}/shadow/{name}": _of_spare_shadow("config"),
    "GET /devices/{device_id}/shadows": lambda live: Request("viewer", _DEVICE),
    "GET /devices/{device_id}/shadows/history": lambda live: Request("viewer", _DEVICE),
    "POST /devices/{device_id}/shadows/restore": _restore,
    "GET /devices/{device_id}/shadows/delta": _of_spare_shadow(),
    "POST /batch": lambda live: Request(
        "operator", body={"items": [{"device_id": "engine-1"}, {"device_id": "engine-2", "name": "config"}]}
    ),
    "GET /api/v1/devices/{device_id}/telemetry": lambda live: Request("device", {"device_id": NAMES["device"]}),
    "POST /api/v1/lake/query": lambda live: Request("viewer", body={"sql": "SELECT 6 * 7 AS answer"}),
}
