"""A registry of devices in memory."""

from dataclasses import dataclass, field

from services.identity import DeviceFacts


@dataclass
class FakeDirectory:
    devices: dict[str, DeviceFacts] = field(default_factory=dict)

    def add(self, device_id: str, owner: str = "", groups: tuple[str, ...] = (), tags: tuple[str, ...] = ()) -> DeviceFacts:
        self.devices[device_id] = DeviceFacts(device_id, owner, frozenset(groups), frozenset(tags))
        return self.devices[device_id]

    def facts(self, device_id: str) -> DeviceFacts | None:
        return self.devices.get(device_id)

    def owned_by(self, user_id: str) -> frozenset[str]:
        return frozenset(device.device_id for device in self.devices.values() if device.owner == user_id)

    def in_group(self, group: str) -> frozenset[str]:
        return frozenset(device.device_id for device in self.devices.values() if group in device.groups)

    def with_tag(self, tag: str) -> frozenset[str]:
        return frozenset(device.device_id for device in self.devices.values() if tag in device.tags)
