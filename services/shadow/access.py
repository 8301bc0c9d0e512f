"""What an operation on a shadow needs beside the right to read its device."""

from collections.abc import Iterable

from services.composition import Services
from services.identity import CurrentDevice, Right
from services.problems import Forbidden


def demand(services: Services, device: CurrentDevice, rights: Iterable[Right]) -> None:
    """Raises Forbidden for the first right that the caller lacks on a device that they may read."""
    for right in sorted(rights):
        decision = services.permissions.decide(device.caller, right, device.facts)
        if not decision.is_allowed:
            raise Forbidden(f"{right} device {device.device_id}: {decision.reason}")
