"""The APIs as the laptop's cloud serves them, with a user of each role who signed up and in over them, and things to call them about."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.user_pool import make_administrator
from tests.cloud import Cloud, running_cloud

PASSWORD = "correct Horse 7 battery"
# By role, and one who has none; a device's user is named as the device.
NAMES = {"admin": "root", "operator": "olga", "viewer": "vera", "device": "engine-7", "none": "nora"}
ROLES = tuple(NAMES)
# Those that are never taken away: of the operator; the viewer may read the first two.
DEVICES = ("engine-1", "engine-2", "engine-7")
_FRESH_SECONDS = 1_200


@dataclass
class Session:
    """Of a user that is signed in."""

    user_id: str
    access_token: str
    id_token: str
    refresh_token: str
    since: float = field(default_factory=time.monotonic)


@dataclass
class Live:
    cloud: Cloud
    url: str
    client: httpx.Client
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    _made: int = 0

    def name(self, role: str) -> str:
        return NAMES[role]

    def fresh(self, kind: str) -> str:
        """A name that nothing else has."""
        self._made += 1
        return f"{kind}-{self._made}"

    def token(self, role: str) -> str:
        """The role's access token, a new one long before it ends."""
        session = self.sessions[role]
        if time.monotonic() - session.since > _FRESH_SECONDS:
            given = self.done("POST", "/auth/refresh", json={"refresh_token": session.refresh_token})
            session.access_token, session.since = given["access_token"], time.monotonic()
        return session.access_token

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role)}"}

    def call(self, method: str, path: str, role: str = "", **options: Any) -> httpx.Response:
        headers = (self.headers(role) if role else {}) | options.pop("headers", {})
        return self.client.request(method, path, headers=headers, **options)

    def done(self, method: str, path: str, role: str = "", **options: Any) -> dict[str, Any]:
        """The answer to a call that must succeed."""
        answer = self.call(method, path, role, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body

    def sign_up(self, name: str) -> str:
        """The id of a new user, who is not confirmed."""
        body = {"user_name": name, "email": f"{name}@example.com", "password": PASSWORD}
        return str(self.done("POST", "/auth/sign-up", json=body)["user_id"])

    def user(self, name: str) -> str:
        """The id of a new user, whom the administrator has confirmed."""
        user_id = self.sign_up(name)
        self.done("POST", f"/users/{user_id}/confirm", "admin")
        return user_id

    def sign_in(self, name: str) -> Session:
        tokens = self.done("POST", "/auth/login", json={"user_name": name, "password": PASSWORD})["tokens"]
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = self.done("GET", "/auth/me", headers=headers)
        return Session(me["user_id"], tokens["access_token"], tokens["id_token"], tokens["refresh_token"])

    def someone(self) -> Session:
        """A new user that is signed in and nobody's but the caller's."""
        name = self.fresh("guest")
        self.user(name)
        return self.sign_in(name)

    def code_for(self, email: str) -> str:
        """The last code that was sent by e-mail: the laptop's cloud keeps what it would send."""
        endpoint = self.cloud.platform.client("sts").meta.endpoint_url
        mails = httpx.get(f"{endpoint}/_ministack/ses/messages", trust_env=False).json()["messages"]
        texts = [mail["BodyText"] for account in mails.values() for mail in account if mail["To"] == [email]]
        return str(re.findall(r"\d{6}", texts[-1])[-1])

    def device(self, device_id: str = "") -> str:
        """The id of a new device of the operator's, without a certificate, which takes longest of all to make."""
        device_id = device_id or self.fresh("spare")
        report = self.done("POST", "/api/v1/devices/import", "operator", json={"devices": [{"device_id": device_id}]})
        assert report["failed"] == 0, report
        return device_id

    def certificate(self, device_id: str) -> str:
        """The id of a new certificate of a device."""
        path = f"/api/v1/devices/{device_id}/certificates"
        return str(self.done("POST", path, "operator", json={"csr": request_of_a_key()})["certificate_id"])

    def grant(self, user_id: str, device_id: str) -> str:
        body = {"devices": [device_id], "rights": ["read", "write", "command"]}
        return str(self.done("POST", f"/users/{user_id}/permissions/devices", "admin", json=body)["grants"][0]["grant_id"])

    def denial(self, user_id: str, device_id: str) -> str:
        return str(self.done("POST", f"/users/{user_id}/denials", "admin", json={"devices": [device_id]})["denials"][0]["denial_id"])

    def shadow(self, device_id: str, name: str = "", rpm: int = 900) -> int:
        """The version that a shadow has once `rpm` is desired of it."""
        path = f"/devices/{device_id}/shadow" + (f"/{name}" if name else "")
        return int(self.done("PUT", path, "operator", json={"state": {"desired": {"rpm": rpm}}})["version"])


def request_of_a_key() -> str:
    """A certificate request, by a key that is quickly made."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def living(home: Path) -> Iterator[Live]:
    """With a user of each role signed in and the DEVICES made. Nothing limits how often they may call."""
    with running_cloud(home, ("emulator", "api"), api_user_rate=0, api_device_rate=0, api_sign_in_tries=0) as cloud:
        url = cloud.supervisor.endpoints["api_url"]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            live = Live(cloud, url, client)
            _people(live)
            for device_id in DEVICES:
                live.device(device_id)
                live.shadow(device_id)
                live.shadow(device_id, "config")
            for device_id in DEVICES[:2]:
                live.grant(live.sessions["viewer"].user_id, device_id)
            yield live


def _people(live: Live) -> None:
    make_administrator(live.cloud.platform, NAMES["admin"], "root@example.com", PASSWORD)
    live.sessions["admin"] = live.sign_in(NAMES["admin"])
    for role, name in NAMES.items():
        if role != "admin":
            user_id = live.user(name)
            live.done("PUT", f"/users/{user_id}/roles", "admin", json={"roles": [role] if role != "none" else []})
            live.sessions[role] = live.sign_in(name)
