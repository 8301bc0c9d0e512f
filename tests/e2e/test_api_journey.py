"""The APIs as people and devices use them, over HTTP and MQTT: two users who see their own devices alone, in the cloud as `up` starts it."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest

from local.authority import Authority, write_secret
from local.provisioning import DeviceFiles
from local.user_pool import make_administrator
from tests.cloud import Cloud, running_cloud
from tests.local.shadow_entrances import ConnectedDevice, connected
from tests.proofs._journey import drained, submitted
from tests.services.auth.cloud_site import mailed
from tests.waiting import eventually

pytestmark = [pytest.mark.cloud, pytest.mark.spark]

_PASSWORD = "Long-enough-for-anyone-1"
_SHADOW = "$aws/things/engine-7/shadow"


@dataclass
class User:
    """Somebody with a login of their own."""

    http: httpx.Client
    user_id: str
    token: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, path, json=body, headers=sent)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.call(method, path, body, **headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def status(self, method: str, path: str, body: Any = None) -> int:
        return self.call(method, path, body).status_code


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("apis") / "home", ("emulator", "worker", "api")) as running:
        yield running


@pytest.fixture(scope="module")
def http(cloud: Cloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.supervisor.endpoints["api_url"], trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def admin(cloud: Cloud, http: httpx.Client) -> User:
    user_id = make_administrator(cloud.platform, "root", "root@example.com", _PASSWORD)
    answer = http.post("/auth/login", json={"user_name": "root", "password": _PASSWORD})
    return User(http, user_id, answer.json()["tokens"]["access_token"])


def test_two_users_a_device_of_each_and_what_the_other_sees(cloud: Cloud, http: httpx.Client, admin: User, tmp_path: Path) -> None:
    anna, ben = _signed_up(cloud, http, admin, "anna"), _signed_up(cloud, http, admin, "ben")
    with ExitStack() as stack:
        engine, pump = (
            stack.enter_context(connected(cloud.platform.mqtt_endpoint(), _made(cloud, user, name, tmp_path), name))
            for user, name in ((anna, "engine-7"), (ben, "engine-8"))
        )
        _desired_reaches_the_device_and_its_report_the_user(anna, engine)
        _another_sees_nothing(anna, ben)
        _a_grant_expires_in_the_middle(anna, ben)
        sent = {"engine-7": _send_readings(engine, "engine-7", 6), "engine-8": _send_readings(pump, "engine-8", 4)}
    drained(cloud)
    submitted(cloud, "silver", "--contract", "environment", "--run-id", "journey")
    _each_sees_the_readings_of_their_own(anna, ben, admin, sent)
    _the_device_goes_and_its_certificate_opens_no_connection(cloud, anna, tmp_path)


def _signed_up(cloud: Cloud, http: httpx.Client, admin: User, name: str) -> User:
    """Sign-up, the code by e-mail, MFA, sign-in with it; the administrator makes an operator of each."""
    login = {"user_name": name, "password": _PASSWORD}
    made = http.post("/auth/sign-up", json=login | {"email": f"{name}@example.com"}).raise_for_status().json()
    http.post("/auth/confirm", json={"user_name": name, "code": mailed(cloud, f"{name}@example.com")}).raise_for_status()
    first = http.post("/auth/login", json=login).raise_for_status().json()["tokens"]
    new = User(http, made["user_id"], first["access_token"])
    authenticator = pyotp.TOTP(new.ok("POST", "/auth/mfa")["secret"])
    new.ok("POST", "/auth/mfa/verify", {"code": authenticator.now()})
    challenge = http.post("/auth/login", json=login).raise_for_status().json()["challenge"]
    assert challenge["name"] == "SOFTWARE_TOKEN_MFA"
    assert new.status("POST", "/api/v1/devices", {"device_id": f"too-early-{name}"}) == 403
    admin.ok("PUT", f"/users/{new.user_id}/roles", {"roles": ["operator"]})
    # Each code counts once.
    code = authenticator.at(int(time.time()) + 30)
    answer = http.post("/auth/challenge", json={"session": challenge["session"], "code": code}).raise_for_status()
    return User(http, new.user_id, answer.json()["tokens"]["access_token"])


def _made(cloud: Cloud, owner: User, name: str, folder: Path) -> DeviceFiles:
    """A device of `owner`, and the files that it connects with: the private key is in that one answer."""
    made = owner.ok("POST", "/api/v1/devices", {"device_id": name, "attributes": {"site": "hall3"}})
    assert (made["owner"], made["state"]) == (owner.user_id, "active")
    files = DeviceFiles(folder / f"{name}.key", folder / f"{name}.pem", Authority.at(cloud.settings.home / "authority").certificate_file)
    write_secret(files.key, made["certificate"]["private_key"])
    files.certificate.write_text(made["certificate"]["certificate_pem"])
    assert "private_key" not in json.dumps(owner.ok("GET", f"/api/v1/devices/{name}"))
    return files


def _desired_reaches_the_device_and_its_report_the_user(anna: User, engine: ConnectedDevice) -> None:
    assert engine.subscribe(f"{_SHADOW}/update/delta") == "Granted QoS 1"
    anna.ok("PUT", "/devices/engine-7/shadow", {"state": {"desired": {"rpm": 900}}})
    topic, delta = engine.hear()
    assert (topic, delta["state"], delta["version"]) == (f"{_SHADOW}/update/delta", {"rpm": 900}, 1)
    assert engine.publish(f"{_SHADOW}/update", b'{"state": {"reported": {"rpm": 900}}}') == "Success"
    eventually(lambda: "delta" not in anna.ok("GET", "/devices/engine-7/shadow")["state"], 10, "the report has arrived")
    assert anna.ok("GET", "/devices/engine-7/shadow")["state"] == {"desired": {"rpm": 900}, "reported": {"rpm": 900}}
    told = eventually(lambda: _told_history(anna), 20, "both versions are in the history")
    # Of what the device does by itself AWS IoT does not say who did it.
    assert [version["by"] for version in told] == ["", anna.user_id]


def _told_history(user: User) -> list[dict[str, Any]]:
    """Empty until both are told."""
    versions: list[dict[str, Any]] = user.ok("GET", "/devices/engine-7/shadows/history")["versions"]
    return versions if len(versions) == 2 and all(version["at"] for version in versions) else []


def _another_sees_nothing(anna: User, ben: User) -> None:
    paths = (
        "/api/v1/devices/{}",
        "/api/v1/devices/{}/history",
        "/api/v1/devices/{}/telemetry",
        "/devices/{}/shadow",
        "/devices/{}/shadows",
    )
    for path in paths:
        foreign, missing = (ben.call("GET", path.format(device)) for device in ("engine-7", "no-such-9"))
        assert (foreign.status_code, missing.status_code) == (404, 404), path
        same = [answer.json() | {"request_id": ""} for answer in (foreign, missing)]
        assert json.dumps(same[0]).replace("engine-7", "no-such-9") == json.dumps(same[1]), path
    assert [device["device_id"] for device in ben.ok("GET", "/api/v1/devices")["devices"]] == ["engine-8"]
    assert [device["device_id"] for device in anna.ok("GET", "/api/v1/devices?query=attributes.site:hall3")["devices"]] == ["engine-7"]


def _a_grant_expires_in_the_middle(anna: User, ben: User) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=4)
    granted = {"devices": ["engine-7"], "rights": ["read"], "expires_at": ends.isoformat()}
    anna.ok("POST", f"/users/{ben.user_id}/permissions/devices", granted)
    assert ben.ok("GET", "/devices/engine-7/shadow")["state"]["reported"] == {"rpm": 900}
    assert ben.status("PUT", "/devices/engine-7/shadow", {"state": {"desired": {"rpm": 1}}}) == 403
    eventually(lambda: ben.status("GET", "/devices/engine-7/shadow") == 404, 15, "the grant has expired")
    assert datetime.now(UTC) >= ends


def _send_readings(device: ConnectedDevice, name: str, count: int) -> list[float]:
    """Temperatures, one a minute until now."""
    now = int(time.time() * 1000)
    values = [20.0 + number for number in range(count)]
    readings = [
        {"ts": now - 60_000 * (count - number), "seq": number, "temperature_celsius": value, "humidity_percent": 40.0, "co2_ppm": 600.0}
        for number, value in enumerate(values)
    ]
    pack = json.dumps({"boot": "b1", "readings": readings}).encode()
    assert device.publish(f"dt/fleetlake/{name}/environment", pack) == "Success"
    return values


def _each_sees_the_readings_of_their_own(anna: User, ben: User, admin: User, sent: dict[str, list[float]]) -> None:
    question = {"sql": "SELECT device_id, count(*) AS readings FROM silver.environment GROUP BY 1 ORDER BY 1"}
    of_anna, of_ben, of_admin = (user.ok("POST", "/api/v1/lake/query", question) for user in (anna, ben, admin))
    assert (of_anna["rows"], of_anna["rows_left_out"]) == ([["engine-7", 6]], True)
    assert (of_ben["rows"], of_ben["rows_left_out"]) == ([["engine-8", 4]], True)
    assert (of_admin["rows"], of_admin["rows_left_out"]) == ([["engine-7", 6], ["engine-8", 4]], False)
    latest = anna.ok("GET", "/api/v1/devices/engine-7/telemetry?contract=environment")
    assert latest["points"][0]["values"]["temperature_celsius"] == sent["engine-7"][-1]
    assert anna.status("GET", "/api/v1/devices/engine-8/telemetry?contract=environment") == 404
    assert anna.status("POST", "/api/v1/lake/query", {"sql": "SELECT * FROM ops.ledger"}) == 403


def _the_device_goes_and_its_certificate_opens_no_connection(cloud: Cloud, anna: User, folder: Path) -> None:
    version = anna.call("GET", "/api/v1/devices/engine-7").headers["etag"]
    gone = anna.ok("DELETE", "/api/v1/devices/engine-7", If_Match=version)
    assert gone["shadows_deleted"] == [""]
    assert anna.status("GET", "/devices/engine-7/shadow") == 404
    files = DeviceFiles(folder / "engine-7.key", folder / "engine-7.pem", Authority.at(cloud.settings.home / "authority").certificate_file)
    device = ConnectedDevice(files, "engine-7")
    try:
        assert device.connect(cloud.platform.mqtt_endpoint()) != "Success"
    except OSError:
        # Refused while the connection was being made.
        pass
    finally:
        device.close()
