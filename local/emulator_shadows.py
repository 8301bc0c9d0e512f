"""Device shadows of the laptop's cloud: `fleet.shadow` answers in the emulator's place, over HTTP and over MQTT.

The emulator's own shadows differ from AWS's in nine ways or more. What its clients and rules see goes on through its broker; what
is kept lies among its own state, so that its flush and its restart take it along.
"""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet.shadow import engine
from fleet.shadow.engine import Address, Limits, Shadow, ShadowError
from runtime import log

_VERBS = {"GET": "get", "POST": "update", "DELETE": "delete"}
# The errors that botocore's model of iot-data knows.
_EXCEPTIONS = {
    400: "InvalidRequestException",
    404: "ResourceNotFoundException",
    405: "MethodNotAllowedException",
    409: "ConflictException",
    413: "RequestEntityTooLargeException",
    415: "UnsupportedDocumentEncodingException",
    500: "InternalFailureException",
}
_LIST_PATH = "/api/things/shadow/ListNamedShadowsForThing/"
_PAGE, _LONGEST_PAGE = 25, 100

_log = log.logger("emulator.shadows")

Response = tuple[int, dict[str, str], bytes]
# The end of a topic, and the message for it.
Message = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class _Request:
    account: str
    region: str
    address: Address
    verb: str
    payload: bytes


class _Kept:
    """The shadows, each as text: the emulator gives some keys of a saved object a meaning of its own, and any key may stand in a shadow."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def read(self, account: str, region: str, address: Address) -> Shadow | None:
        return _shadow(self._records.get_scoped(account, region, _key(address)))

    def write(self, account: str, region: str, address: Address, shadow: Shadow) -> None:
        self._records.set_scoped(account, region, _key(address), {"shadow": json.dumps(shadow.to_record())})

    def names(self, account: str, region: str, thing: str) -> list[str]:
        """Of the named shadows that are there, sorted."""
        of_thing = ((name, record) for (owner, name), record in self._records.items_scoped(account, region) if owner == thing and name)
        return sorted(name for name, record in of_thing if (shadow := _shadow(record)) and not shadow.is_deleted)


def _key(address: Address) -> tuple[str, str]:
    return address.thing, address.name or ""


def _shadow(record: dict[str, Any] | None) -> Shadow | None:
    # One that the emulator kept by itself, before our engine was in its place, counts as none.
    return Shadow.from_record(json.loads(record["shadow"])) if record and "shadow" in record else None


def keep_shadows(iot: Any, iot_data: Any, limits: Limits) -> None:
    """Put our engine in the place of the emulator's: its MQTT requests, its HTTP calls, the list of names and the fleet index."""
    from ministack.core import responses

    entrances = Entrances(iot, iot_data, responses, limits)
    iot._handle_shadow_publish = entrances.over_mqtt
    iot._classic_shadow_state = entrances.classic_state
    iot_data._shadow = entrances.over_http
    iot_data.handle_request = entrances.handle_request


class Entrances:
    """In the place of the emulator's own functions, with their signatures; its modules iot, iot_data and responses are handed in."""

    def __init__(self, iot: Any, iot_data: Any, responses: Any, limits: Limits) -> None:
        self._limits = limits
        self._kept = _Kept(iot._shadows)
        self._iot, self._plain_request, self._responses = iot, iot_data.handle_request, responses

    async def over_mqtt(self, account: str, region: str, thing: str, verb: str, name: str | None, payload: bytes) -> None:
        request = _Request(account, region, Address(thing, name), verb, payload)
        try:
            messages = _carried_out(self._kept, request, self._limits)
        except ShadowError as error:
            messages = [(f"{verb}/rejected", error.body(_now()))]
        await self._publish(request, messages)

    async def over_http(self, method: str, path: str, body: bytes, query: dict[str, str]) -> Response:
        address = Address(path.removeprefix("/things/").removesuffix("/shadow"), query.get("name"))
        try:
            verb = _verb(method)
            request = _Request(*self._scope(), address, verb, body if verb == "update" else b"")
            messages = _carried_out(self._kept, request, self._limits)
        except ShadowError as error:
            return _refusal(error)
        if verb != "get":
            await self._publish(request, messages)
        return _response(200, messages[0][1])

    async def handle_request(self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]) -> Any:
        if method != "GET" or not path.startswith(_LIST_PATH):
            return await self._plain_request(method, path, headers, body, query_params)
        try:
            return _response(200, _listed(self._kept, *self._scope(), path.removeprefix(_LIST_PATH), query_params))
        except ShadowError as error:
            return _refusal(error)

    def classic_state(self, thing: str) -> dict[str, Any] | None:
        shadow = self._kept.read(*self._scope(), Address(thing))
        return None if shadow is None or shadow.is_deleted else shadow.document()["state"]

    def _scope(self) -> tuple[str, str]:
        """Account and region of the HTTP call at hand."""
        return self._responses.get_account_id(), self._responses.get_region()

    async def _publish(self, request: _Request, messages: Sequence[Message]) -> None:
        topic = f"$aws/things/{request.address.thing}/shadow"
        if request.address.name is not None:
            topic += f"/name/{request.address.name}"
        with self._responses.request_scope(request.account, request.region):
            for end, body in messages:
                await self._iot.broker_publish(request.account, request.region, f"{topic}/{end}", _json(body), qos=1)


def _verb(method: str) -> str:
    if method not in _VERBS:
        raise ShadowError(405, f"{method} is none of {', '.join(_VERBS)}")
    return _VERBS[method]


def _carried_out(kept: _Kept, request: _Request, limits: Limits) -> list[Message]:
    """Read, decided and kept without a pause, so that no other request comes between. Raises ShadowError and nothing else."""
    try:
        return _decided(kept, request, limits)
    except ShadowError:
        raise
    except Exception:  # noqa: BLE001 - it is logged, and the client gets AWS's answer to it
        _log.exception("%s of %s failed", request.verb, request.address)
        raise ShadowError(500, "Internal service failure") from None


def _decided(kept: _Kept, request: _Request, limits: Limits) -> list[Message]:
    """What is to be published; first the answer itself."""
    # A name that is given and empty would be kept as the classic shadow is.
    request.address.check()
    place = (request.account, request.region, request.address)
    asked = (request.address, kept.read(*place), request.payload, _now(), limits)
    if request.verb == "get":
        return [("get/accepted", engine.get(*asked))]
    if request.verb == "delete":
        deletion = engine.delete(*asked)
        kept.write(*place, deletion.shadow)
        return [("delete/accepted", deletion.accepted)]
    updated = engine.update(*asked)
    kept.write(*place, updated.shadow)
    messages = [("update/accepted", updated.accepted), ("update/delta", updated.delta), ("update/documents", updated.documents)]
    return [(end, body) for end, body in messages if body is not None]


def _listed(kept: _Kept, account: str, region: str, thing: str, query: dict[str, Any]) -> dict[str, Any]:
    """A page of a thing's named shadows; its token is the last name that was shown."""
    Address(thing).check()
    size, shown = _page_size(_first(query, "pageSize")), _last_shown(_first(query, "nextToken"))
    names = [name for name in kept.names(account, region, thing) if name > shown]
    page: dict[str, Any] = {"results": names[:size], "timestamp": _now()}
    if len(names) > size:
        page["nextToken"] = base64.urlsafe_b64encode(names[size - 1].encode()).decode()
    return page


def _first(query: dict[str, Any], name: str) -> str | None:
    values = query.get(name)
    return values[0] if isinstance(values, list) else values


def _page_size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= _LONGEST_PAGE):
        raise ShadowError(400, f"Invalid pageSize: it must be a number from 1 to {_LONGEST_PAGE}")
    return int(text)


def _last_shown(token: str | None) -> str:
    if token is None:
        return ""
    try:
        return base64.urlsafe_b64decode(token).decode("ascii")
    except ValueError:
        raise ShadowError(400, "Invalid nextToken: it must be one that a list gave") from None


def _refusal(error: ShadowError) -> Response:
    status, headers, body = _response(error.code, error.body(_now()))
    return status, headers | {"x-amzn-errortype": _EXCEPTIONS[error.code]}, body


def _response(status: int, body: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/json"}, _json(body)


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _now() -> int:
    return int(time.time())
