"""The registry of devices: what the APIs know of a device beside its thing in AWS IoT, and what is done to both together.

The row says what holds; the thing follows it. A change is written to the row first, with its line of history and in state ``updating``, then
to AWS IoT, then the row becomes ``active``: where AWS IoT fails between, the same PUT again (with the new version) brings it up.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from runtime.clock import Clock
from runtime.platforms import Platform
from services.devices import history, preconditions
from services.devices.certificates import Certificates, Issued, check_csr
from services.devices.creation import Creation, Creator, Order
from services.devices.device import MOST_CERTIFICATES, Device, Draft, State, stamp
from services.devices.history import Author
from services.devices.removal import Farewell, ForgetDevice, Removal
from services.devices.store import DeviceStore, Moved
from services.devices.surroundings import Surroundings
from services.devices.things import Things
from services.identity import Caller, DeviceFacts, Role
from services.problems import Conflict, Forbidden, NotFound

# How often a write is tried again that others overtook.
_TRIES = 5


@dataclass
class Registry:
    """Also identity.Directory. `in_group` and `with_tag` read the whole table, consistently: a device that left a group a moment ago is not
    in it; on AWS a read of 10,000 devices of usual size costs some 600 read units and a second. `owned_by` is read from an index, which
    AWS brings up to date within milliseconds."""

    store: DeviceStore
    things: Things
    certificates: Certificates
    removal: Removal
    clock: Clock
    creator: Creator
    surroundings: Surroundings

    @classmethod
    def of(cls, platform: Platform, clock: Clock) -> "Registry":
        iot = platform.client("iot")
        store, things, certificates = DeviceStore(platform), Things(iot), Certificates(iot, platform.settings.device_policy)
        creator = Creator(store, things, certificates, clock, lambda: str(uuid.uuid4()))
        return cls(store, things, certificates, Removal(platform), clock, creator, Surroundings(platform))

    def facts(self, device_id: str) -> DeviceFacts | None:
        device = self.store.get(device_id)
        return device.facts() if device else None

    def owned_by(self, user_id: str) -> frozenset[str]:
        return frozenset(self.store.owned_by(user_id))

    def in_group(self, group: str) -> frozenset[str]:
        return frozenset(device.device_id for device in self.store.all() if group in device.draft.groups)

    def with_tag(self, tag: str) -> frozenset[str]:
        return frozenset(device.device_id for device in self.store.all() if tag in device.facts().tags)

    def device(self, device_id: str) -> Device:
        """Raises NotFound, with the words of one that the caller may not see."""
        found = self.store.get(device_id)
        if found is None:
            raise NotFound(f"device {device_id}: there is none that you may see")
        return found

    def devices(self, device_ids: Iterable[str] | None) -> Iterator[Device]:
        """Those of the ids that there are, or all for None; in any order."""
        yield from self.store.all() if device_ids is None else self.store.get_many(device_ids)

    def create(self, order: Order, caller: Caller, author: Author, key: str = "") -> Creation:
        return self.creator.create(order, caller, author, key)

    def change(self, device_id: str, draft: Draft, if_match: str | None, caller: Caller, author: Author) -> Device:
        """`draft` in the place of what is said of the device; what is the same already makes no new version."""
        draft.check()
        device = self.device(device_id)
        preconditions.check(if_match, device_id, device.version)
        if (draft.groups, draft.tags) != (device.draft.groups, device.draft.tags):
            # Grants name them: who changes them decides who else reaches the device.
            check_owner(caller, device.facts(), "groups and tags decide who may reach it")
        _check_settled(device)
        if device.draft == draft and device.state is State.ACTIVE:
            return device
        self.things.prepare(draft)
        if device.draft != draft:
            device = self._next_version(device, replace(device, draft=draft, state=State.UPDATING), "changed", author)
        return self._bring_up(device)

    def _next_version(self, old: Device, new: Device, what: str, author: Author) -> Device:
        """Raises Conflict where somebody else was first."""
        following = replace(new, version=old.version + 1, updated_at=stamp(self.clock.now()))
        told = history.line(author, what, old, following, following.version, following.updated_at)
        try:
            return self.store.replace(old, following, told)
        except Moved:
            words = f"device {old.device_id}: another request changed version {old.version} at this moment; read it again"
            raise Conflict(words, code="VersionConflictException") from None

    def _bring_up(self, device: Device) -> Device:
        """The thing as the row has it, however many change it at once: whoever finds the row moved makes the thing as it is then."""
        for _ in range(_TRIES):
            self.things.converge(device)
            try:
                return self.store.replace(device, replace(device, state=State.ACTIVE))
            except Moved:
                device = self._as_it_is(device.device_id)
        raise Conflict(f"device {device.device_id}: it is changed by many at once; read it again", code="VersionConflictException")

    def _as_it_is(self, device_id: str) -> Device:
        """Raises NotFound for one that was deleted meanwhile, and takes away what was made of its thing since."""
        found = self.store.get(device_id)
        if found is None:
            self.things.delete(device_id)
        device = self.device(device_id)
        _check_settled(device)
        return device

    def add_certificate(self, device_id: str, csr: str, author: Author) -> tuple[Device, Issued]:
        """Another certificate, so that a device can change over before the old one is removed."""
        if csr:
            check_csr(csr)
        device = self.device(device_id)
        _check_settled(device)
        if len(device.certificate_ids) >= MOST_CERTIFICATES:
            raise Conflict(f"device {device_id}: it has {MOST_CERTIFICATES} certificates; remove one", code="LimitExceededException")
        issued = self.certificates.issue(csr)
        noted = replace(device, certificate_ids=(*device.certificate_ids, issued.certificate_id))
        try:
            device = self._next_version(device, noted, "certificate added", author)
        except Conflict:
            self.certificates.remove(device_id, issued.certificate_id)
            raise
        self.certificates.enable(device_id, issued)
        return device, issued

    def remove_certificate(self, device_id: str, certificate_id: str, author: Author) -> Device:
        """It is cut off before the row forgets it; again after a break it does what is left. Raises NotFound."""
        device = self.device(device_id)
        if certificate_id not in device.certificate_ids:
            raise NotFound(f"device {device_id}: it has no certificate {certificate_id}")
        _check_settled(device)
        self.certificates.remove(device_id, certificate_id)
        left = tuple(each for each in device.certificate_ids if each != certificate_id)
        return self._next_version(device, replace(device, certificate_ids=left), "certificate removed", author)

    def delete(self, device_id: str, if_match: str | None, author: Author, forget: ForgetDevice) -> tuple[Device, Farewell]:
        """The device as it was, and what went with it. Its history stays, and so do its rows in the lake."""
        device = self.device(device_id)
        preconditions.check(if_match, device_id, device.version)
        try:
            # From here on nobody changes it: a break is mended by the same DELETE, as the version stays.
            device = self.store.replace(device, replace(device, state=State.DELETING, claim=""))
            taken = self.removal.take_away(device, author, forget)
            told = history.line(author, "deleted", device, None, device.version + 1, stamp(self.clock.now()))
            self.store.remove(device, told)
        except Moved:
            raise Conflict(f"device {device_id}: another request changed or deleted it at this moment; read it again") from None
        return device, taken

    def last_version(self, device_id: str) -> int:
        """Of the last line of history under the id, whether the device is still there or not; 0 where there is none."""
        last = self.store.lines(device_id, 1, None, 1)
        return int(last[0]["version"]) if last else 0

    def lines(self, device_id: str, above: int, below: int | None, limit: int) -> list[dict[str, Any]]:
        return self.store.lines(device_id, above, below, limit)


def check_owner(caller: Caller, device: DeviceFacts, why: str) -> None:
    """Raises Forbidden for whoever was only granted the device."""
    if caller.role is not Role.ADMIN and caller.user_id != device.owner:
        raise Forbidden(f"device {device.device_id}: {why}; that is for its owner and administrators")


def _check_settled(device: Device) -> None:
    if device.state in (State.CREATING, State.DELETING):
        raise Conflict(f"device {device.device_id}: it is {device.state}; where that broke off, repeat it, or delete the device")
