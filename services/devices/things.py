"""AWS IoT's thing of a device, kept as the registry has the device: type, attributes, groups."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from services.devices.device import Device, Draft
from services.problems import Invalid

_GONE = "ResourceNotFoundException"
_THERE = "ResourceAlreadyExistsException"


class Things:
    def __init__(self, iot: Any) -> None:
        self._iot = iot

    def exists(self, device_id: str) -> bool:
        return self._found(lambda: self._iot.describe_thing(thingName=device_id)) is not None

    def prepare(self, draft: Draft) -> None:
        """Make the type and the groups that are named for the first time. Raises Invalid for those that a thing cannot be of."""
        if draft.type:
            self._have_type(draft.type)
        for group in draft.groups:
            self._have_group(group)

    def _have_type(self, name: str) -> None:
        known = self._found(lambda: self._iot.describe_thing_type(thingTypeName=name))
        if known is None:
            self._create(lambda: self._iot.create_thing_type(thingTypeName=name))
        elif known["thingTypeMetadata"].get("deprecated"):
            raise Invalid(f"type {name}: it is deprecated, which AWS IoT gives to no thing; take another", code="InvalidRequestException")

    def _have_group(self, name: str) -> None:
        known = self._found(lambda: self._iot.describe_thing_group(thingGroupName=name))
        if known is None:
            self._create(lambda: self._iot.create_thing_group(thingGroupName=name))
        elif known.get("queryString"):
            raise Invalid(f"group {name}: it is dynamic, its query says which things are in it", code="InvalidRequestException")

    def converge(self, device: Device) -> None:
        """Make the thing as `device` is; again it changes nothing."""
        known = self._found(lambda: self._iot.describe_thing(thingName=device.device_id))
        if known is None:
            self._iot.create_thing(thingName=device.device_id, **_type_and_attributes(device.draft))
            self._join(device, set())
            return
        if (known.get("thingTypeName") or "", known.get("attributes") or {}) != (device.draft.type, dict(device.draft.attributes)):
            dropped = {"removeThingType": True} if known.get("thingTypeName") and not device.draft.type else {}
            self._iot.update_thing(thingName=device.device_id, **_type_and_attributes(device.draft), **dropped)
        self._join(device, set(self._groups(device.device_id)))

    def _join(self, device: Device, there: set[str]) -> None:
        wanted = set(device.draft.groups)
        for group in sorted(there - wanted):
            self._iot.remove_thing_from_thing_group(thingGroupName=group, thingName=device.device_id)
        for group in sorted(wanted - there):
            self._iot.add_thing_to_thing_group(thingGroupName=group, thingName=device.device_id)

    def _groups(self, device_id: str) -> Iterator[str]:
        for page in self._iot.get_paginator("list_thing_groups_for_thing").paginate(thingName=device_id):
            yield from (group["groupName"] for group in page["thingGroups"])

    def delete(self, device_id: str) -> None:
        """One that is not there is deleted."""
        self._found(lambda: self._iot.delete_thing(thingName=device_id))

    def _found(self, call: Any) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = call()
            return answer
        except ClientError as error:
            if error.response["Error"]["Code"] == _GONE:
                return None
            raise

    def _create(self, call: Any) -> None:
        try:
            call()
        except ClientError as error:
            # Another request was first; types and groups of one name are the same.
            if error.response["Error"]["Code"] != _THERE:
                raise


def _type_and_attributes(draft: Draft) -> dict[str, Any]:
    named = {"thingTypeName": draft.type} if draft.type else {}
    return {"attributePayload": {"attributes": dict(draft.attributes), "merge": False}, **named}
