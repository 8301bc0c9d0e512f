"""How a device is made: row, thing, certificate, in an order that a break at any point leaves mendable and harmless.

1. The row, in state ``creating``, by a conditional put: of any number of creations of one id at once, one goes on.
2. Type, groups and thing in AWS IoT. 3. A certificate, inactive and attached to nothing. 4. Its id in the row. 5. Only then it is attached
and made active. 6. The row becomes ``active``, with its first line of history.

What breaks off is mended by the same POST with the same Idempotency-Key, which takes the work over at once and takes away what the
earlier one noted, or by a DELETE. An earlier one that is only slow finds that its row has moved, and withdraws its own certificate.

**Idempotency-Key.** It is the caller's own, and holds for a day. The same key with the same body, once the device is there: 200 with the
device and its certificate, without the private key, which is shown once and kept nowhere; who has lost it asks for another certificate and
removes this one. The same key with another body: 422 ``IdempotentParameterMismatchException``.

**An id that is taken** answers 409 ``ResourceAlreadyExistsException``, as AWS does, also where the caller may not see the device: whoever
may create devices can find out by trying which ids exist, and nothing else of them. There is no other way with ids that callers choose.
An id is also taken where AWS IoT has a thing of its name that the registry has not, for a certificate would let its owner pass for it; and where
a device of somebody else's had it before, for its readings in the lake stay when it is deleted, and the new owner would read them. Both are for
administrators: a thing then becomes what the request says of it; certificates that it has stay, and go with the device.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from runtime.clock import Clock
from services.devices import history
from services.devices.certificates import Certificates, Issued, check_csr
from services.devices.device import Device, Draft, State, stamp
from services.devices.history import Author
from services.devices.store import DeviceStore, Moved, Request, Taken
from services.devices.things import Things
from services.identity import Caller, Role
from services.problems import Conflict, Invalid

KEPT = timedelta(days=1)
_TRIES = 3


@dataclass(frozen=True)
class Order:
    """What a POST asks for. Without `with_certificate` and `csr` the device gets none."""

    device_id: str
    draft: Draft
    csr: str = ""
    with_certificate: bool = True

    def check(self) -> None:
        self.draft.check()
        if self.csr:
            check_csr(self.csr)

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Creation:
    """`issued` is None for a device without a certificate; of a repetition it has no private key."""

    device: Device
    issued: Issued | None
    is_repetition: bool = False


class Creator:
    def __init__(self, store: DeviceStore, things: Things, certificates: Certificates, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store, self._things, self._certificates = store, things, certificates
        self._clock = clock
        self._new_id = new_id

    def create(self, order: Order, caller: Caller, author: Author, key: str = "") -> Creation:
        """Raises Invalid for what is against AWS IoT's rules, Conflict where the id is taken."""
        order.check()
        request = self._request(order, caller, key) if key else None
        for _ in range(_TRIES):
            device = self._store.get(order.device_id)
            if request and (held := self._store.request(request.request, self._now())):
                return self._again(order, _made_by(held, request, device), author)
            if device:
                break
            try:
                return self._finish(order, self._claim(order, caller, request), author)
            except Taken:
                # By another, or by this very request, sent twice.
                continue
        raise _taken(order.device_id, self._store.get(order.device_id), caller)

    def _request(self, order: Order, caller: Caller, key: str) -> Request:
        name = hashlib.sha256(f"{caller.user_id}\0{key}".encode()).hexdigest()
        until = int((self._clock.now() + KEPT).timestamp())
        return Request(f"devices/{name}", order.digest(), order.device_id, until)

    def _again(self, order: Order, device: Device, author: Author) -> Creation:
        if device.state is State.CREATING:
            try:
                return self._finish(order, self._store.replace(device, replace(device, claim=self._new_id())), author)
            except Moved:
                raise _under_way(device.device_id) from None
        # The first one is that of the creation, unless it was taken away since.
        first = device.certificate_ids[0] if device.certificate_ids else ""
        issued = Issued(first, "", self._certificates.pem(first)) if first else None
        return Creation(device, issued, is_repetition=True)

    def _claim(self, order: Order, caller: Caller, request: Request | None) -> Device:
        """The row that this work holds. Raises Taken."""
        last = next(iter(self._store.lines(order.device_id, 1, None, 1)), None)
        if caller.role is not Role.ADMIN and (self._things.exists(order.device_id) or (last and last["owner"] != caller.user_id)):
            raise _taken(order.device_id, None, caller)
        at, first = stamp(self._clock.now()), int(last["version"]) + 1 if last else 1
        claimed = Device(
            order.device_id,
            caller.user_id,
            first,
            State.CREATING,
            at,
            at,
            order.draft,
            first_version=first,
            request=request.request if request else "",
            claim=self._new_id(),
        )
        self._store.insert(claimed, request, self._now())
        return claimed

    def _finish(self, order: Order, claimed: Device, author: Author) -> Creation:
        """Raises Conflict where another request took the work over."""
        for certificate_id in claimed.certificate_ids:
            self._certificates.remove(claimed.device_id, certificate_id)
        self._things.prepare(claimed.draft)
        self._things.converge(claimed)
        issued = self._certificates.issue(order.csr) if order.csr or order.with_certificate else None
        try:
            device = claimed
            if issued:
                device = self._store.replace(claimed, replace(claimed, certificate_ids=(issued.certificate_id,)))
                self._certificates.enable(claimed.device_id, issued)
            # Those of an earlier try are gone.
            active = replace(device, state=State.ACTIVE, claim="", certificate_ids=(issued.certificate_id,) if issued else ())
            told = history.line(author, "created", None, active, active.version, active.created_at)
            return Creation(self._store.replace(device, active, told), issued)
        except Moved:
            if issued:
                self._certificates.remove(claimed.device_id, issued.certificate_id)
            if self._store.get(claimed.device_id) is None:
                # Deleted meanwhile: what this work has made of the thing since must go as well.
                self._things.delete(claimed.device_id)
            raise _under_way(claimed.device_id) from None

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _made_by(held: Request, request: Request, device: Device | None) -> Device:
    """The device that this very request made. Raises Invalid where the key stands for another one, Conflict where the device is gone."""
    if held.digest != request.digest:
        words = "Idempotency-Key: it was used with another body within the last day; use a new key for another device"
        raise Invalid(words, code="IdempotentParameterMismatchException", status=422)
    if device is None or device.request != held.request:
        raise Conflict(
            f"device {held.device_id}: this request made it, and it was deleted since; use a new Idempotency-Key to make it again"
        )
    return device


def _taken(device_id: str, device: Device | None, caller: Caller) -> Conflict:
    words = _how_to_go_on(device) if device and _may_know(caller, device) else _FOR_OTHERS
    return Conflict(f"device {device_id}: the id is taken{words}", code="ResourceAlreadyExistsException")


# By whom is not for others to know: the same in each case.
_FOR_OTHERS = (
    ": by a device, by one that was deleted, or by a thing of AWS IoT that is not registered; take another id, or ask an administrator, "
    "who may register the last two"
)


def _may_know(caller: Caller, device: Device) -> bool:
    return caller.role is Role.ADMIN or caller.user_id == device.owner


def _how_to_go_on(device: Device) -> str:
    if device.state is State.CREATING:
        return ", and its creation is under way or broke off; repeat it with its Idempotency-Key, or delete the device"
    if device.state is State.DELETING:
        return ", and its deletion is under way or broke off; delete it again"
    return " by this very device; change it by PUT"


def _under_way(device_id: str) -> Conflict:
    return Conflict(f"device {device_id}: another request is making or deleting it; look at it again", headers={"Retry-After": "1"})
