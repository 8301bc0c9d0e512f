"""What the emulator must not do on somebody's laptop, and what it gets wrong, put right from outside.

It reaches into ministack's private names, so it holds for the pinned version alone: `PIN` and its test say which.

- every listener is on the loopback interface, whatever asks for another;
- the MQTT broker serves our own socket, demands a client certificate and trusts our authority alone;
- IoT policies are evaluated for every session (without them any device publishes as any other);
- MQTT over WebSocket, which takes unsigned clients, is refused;
- queues are saved under a name that does not hold the port, or their messages would be lost at the next start on another one;
- a message that its rule engine cannot parse reaches the rule as text: nested 5,000 deep, or with a number of 5,000 digits,
  it would disconnect its sender and lose the message;
- device shadows are decided by our own engine (`local/emulator_shadows.py`), where its own differ from those of AWS;
- an object that does not come to the disk is refused (`local/emulator_disk.py`), where it would say yes and have it in memory alone;
- signing in is checked as Cognito does (`local/emulator_cognito.py`): it takes any refresh token and any code;
- shadows are AWS IoT's (`local/emulator_shadows.py`).
"""

import asyncio
import inspect
import socket
import ssl
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from fleet.shadow.engine import Limits
from local.authority import Authority
from local.emulator_cognito import check_sign_in
from local.emulator_disk import refuse_what_is_not_kept
from local.emulator_shadows import keep_shadows
from runtime.errors import SetupError

PIN = "1.5.33"
_EVERYWHERE = {"", "0.0.0.0", "::", None}


def apply(authority: Authority, mqtt: socket.socket, bind_address: str, shadow_limits: Limits) -> None:
    """Harden the emulator of this process. Raises SetupError for a version it was not written for."""
    installed = version("ministack")
    if installed != PIN:
        raise SetupError(f"emulator: ministack is {installed}, this launcher is written for {PIN}; install the locked requirements")
    from ministack.services import cognito, iot, iot_data, s3, sqs

    _bind_only(bind_address)
    _serve_mqtt_on(mqtt)
    _demand_certificates(iot, authority)
    _evaluate_policies(iot)
    _refuse_websockets(iot)
    _take_any_text(iot)
    keep_shadows(iot, iot_data, shadow_limits)
    _name_queues_for_good(sqs)
    refuse_what_is_not_kept(s3)
    check_sign_in(cognito)


def _bind_only(address: str) -> None:
    """Whatever wants to listen on all interfaces listens on `address`."""
    plain_bind = socket.socket.bind

    def bind(self: socket.socket, where: Any) -> None:
        if self.family == socket.AF_INET and where[0] in _EVERYWHERE:
            where = (address, *where[1:])
        elif self.family == socket.AF_INET6 and where[0] in _EVERYWHERE:
            where = ("::1", *where[1:])
        plain_bind(self, where)

    socket.socket.bind = bind  # type: ignore[method-assign, assignment]


def _serve_mqtt_on(mqtt: socket.socket) -> None:
    """Hand our bound socket to the one call that asks for its port."""
    plain_create = asyncio.BaseEventLoop.create_server
    port = mqtt.getsockname()[1]

    async def create_server(self: Any, factory: Any, host: Any = None, port_wanted: Any = None, **options: Any) -> Any:
        asked = options.pop("port", port_wanted)
        if asked == port and "sock" not in options:
            # A copy: the emulator closes what it serves when it is reset, and serves again.
            return await plain_create(self, factory, sock=mqtt.dup(), **options)
        return await plain_create(self, factory, host, asked, **options)

    asyncio.BaseEventLoop.create_server = create_server  # type: ignore[method-assign, assignment]


def _demand_certificates(iot: Any, authority: Authority) -> None:
    plain_build: Callable[[], ssl.SSLContext] = iot._mtls_build_ssl_context

    def build() -> ssl.SSLContext:
        context = plain_build()
        context.verify_mode = ssl.CERT_REQUIRED
        # With partial chains a registered certificate would be trusted whoever signed it.
        context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    iot._ensure_ca = lambda: (authority.certificate, authority.key)
    iot._mtls_trust_anchors = lambda: [("fleetlake", authority.certificate)]
    iot._mtls_build_ssl_context = build


def _evaluate_policies(iot: Any) -> None:
    def allows(self: Any, action: str, resource: str) -> bool:
        if not self.certificate_id:
            return False
        scope = (self.account_id, self.region, self.certificate_id, self._policy_context)
        return bool(iot._mqtt_policy_allows(*scope, action, resource, self.provisioning_template))

    iot._WSSession._evaluates_policies = lambda self: True
    iot._WSSession._policy_allows = allows


def _refuse_websockets(iot: Any) -> None:
    async def refuse(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]], account: str, region: str) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    iot.handle_websocket = refuse


def _take_any_text(iot: Any) -> None:
    plain_message = iot._rule_message

    def message(payload: bytes) -> Any:
        try:
            return plain_message(payload)
        except (RecursionError, ValueError):
            return (payload or b"").decode("utf-8")

    iot._rule_message = message


def _name_queues_for_good(sqs: Any) -> None:
    """Queues are kept by their URL; its host is what a caller used, but what is kept is this."""
    sqs.DEFAULT_HOST, sqs.DEFAULT_PORT, sqs._CANONICAL_NETLOC = "localhost", "4566", "localhost:4566"


def hooks() -> dict[str, str]:
    """Signature of every private name above, as the pinned version has them."""
    from ministack.core.responses import get_account_id, get_region, request_scope
    from ministack.services import iot, iot_data, s3, sqs

    of_s3 = (
        *("_atomic_write", "_dispatch", "_error", "_key_history_meta", "_object_disk_path", "_object_meta_from_record"),
        *("_other_key_disk_path", "_persist_object", "_qp", "_remove_key_files"),
    )
    names = {
        "_ensure_ca": iot._ensure_ca,
        "_mtls_trust_anchors": iot._mtls_trust_anchors,
        "_mtls_build_ssl_context": iot._mtls_build_ssl_context,
        "_mqtt_policy_allows": iot._mqtt_policy_allows,
        "_WSSession._evaluates_policies": iot._WSSession._evaluates_policies,
        "_WSSession._policy_allows": iot._WSSession._policy_allows,
        "handle_websocket": iot.handle_websocket,
        "_rule_message": iot._rule_message,
        "_handle_shadow_publish": iot._handle_shadow_publish,
        "_classic_shadow_state": iot._classic_shadow_state,
        "_shadows.get_scoped": iot._shadows.get_scoped,
        "_shadows.set_scoped": iot._shadows.set_scoped,
        "_shadows.items_scoped": iot._shadows.items_scoped,
        "broker_publish": iot.broker_publish,
        "iot_data._shadow": iot_data._shadow,
        "iot_data.handle_request": iot_data.handle_request,
        "get_account_id": get_account_id,
        "get_region": get_region,
        "request_scope": request_scope,
        "sqs._externalize_url": sqs._externalize_url,
    }
    names |= {f"s3.{name}": getattr(s3, name) for name in of_s3}
    # With and without postponed annotations alike.
    return {name: str(inspect.signature(hook)).replace("'", "") for name, hook in names.items()}
