"""What the end of a device takes with it in AWS IoT: certificates first, so that it is cut off, then jobs, shadows and the thing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from runtime.platforms import Platform
from services.devices.certificates import Certificates, Outcome
from services.devices.device import Device
from services.devices.history import Author
from services.devices.things import Things
from services.shadow.shadows import Shadows

# Takes away all that was granted and denied of a device; how many there were.
ForgetDevice = Callable[[str, Author], int]

_OPEN = ("QUEUED", "IN_PROGRESS")
_GONE = "ResourceNotFoundException"
# It ended by itself between our look and our call.
_ENDED = ("InvalidStateTransitionException", _GONE)


@dataclass(frozen=True)
class Farewell:
    """What was taken away. The classic shadow's name is ""."""

    certificates: dict[str, Outcome] = field(default_factory=dict)
    shadows: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    grants: int = 0


class Removal:
    def __init__(self, platform: Platform) -> None:
        self._iot = platform.client("iot")
        self._shadows = Shadows.of(platform)
        self._certificates = Certificates(self._iot, platform.settings.device_policy)
        self._things = Things(self._iot)

    def take_away(self, device: Device, author: Author, forget: ForgetDevice) -> Farewell:
        """All of it; again, or after a break, what is left of it."""
        wanted = sorted({*device.certificate_ids, *self._certificates.of_thing(device.device_id)})
        certificates = {certificate_id: self._certificates.remove(device.device_id, certificate_id) for certificate_id in wanted}
        jobs = tuple(self._cancel_jobs(device.device_id))
        shadows = tuple(self._shadows.delete_all(device.device_id, author.user_id))
        self._things.delete(device.device_id)
        return Farewell(certificates, shadows, jobs, forget(device.device_id, author))

    def _cancel_jobs(self, device_id: str) -> Iterator[str]:
        for job_id in [job_id for status in _OPEN for job_id in self._open_jobs(device_id, status)]:
            try:
                self._iot.cancel_job_execution(jobId=job_id, thingName=device_id, force=True)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _ENDED:
                    raise
                continue
            yield job_id

    def _open_jobs(self, device_id: str, status: str) -> Iterator[str]:
        try:
            for page in self._iot.get_paginator("list_job_executions_for_thing").paginate(thingName=device_id, status=status):
                yield from (execution["jobId"] for execution in page["executionSummaries"])
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
