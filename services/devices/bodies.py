"""What requests and answers of the devices' operations look like."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi.openapi.models import Example
from pydantic import BaseModel, ConfigDict, Field

from services.devices.bulk_import import MOST_ITEMS, Entry, Fate
from services.devices.certificates import CSR_BYTES, Issued
from services.devices.creation import Creation, Order
from services.devices.device import MOST_GROUPS, Device, Draft, State
from services.devices.removal import Farewell
from services.identity import DEVICE_ID
from services.malformed import Malformed, each_alone

# Of AWS IoT's API: ThingTypeName, ThingGroupName, AttributeName, AttributeValue. An empty value would remove the attribute.
Name = Annotated[str, Field(pattern=DEVICE_ID)]
AttributeName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.,@/:#-]{1,128}$")]
AttributeValue = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.,@/:#=\[\]-]{1,800}$")]
# AWS's tags in ASCII; a key has no =, so that key=value names one tag.
TagKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:/+@-]{1,128}$")]
TagValue = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:/=+@ -]{0,256}$")]
Csr = Annotated[str, Field(min_length=1, max_length=CSR_BYTES, description="PEM of a PKCS#10 request: the key never leaves the device")]

_WHOLE: dict[str, Any] = {
    "type": "turbofan",
    "attributes": {"model": "CFM56", "site": "hall-3"},
    "groups": ["hall-3"],
    "tags": {"team": "engines"},
}
_CERTIFICATE = "36318ec1f030534683060f0538d5f6802713266d82eb5765d3fc3e25f762e307"
DRAFT_EXAMPLES: dict[str, Example] = {
    "whole": {"summary": "Everything that can be said of a device", "value": _WHOLE},
    "bare": {"summary": "Nothing", "value": {}},
}
NEW_EXAMPLES: dict[str, Example] = {
    "key made here": {"summary": "The answer has the private key, once", "value": {"device_id": "engine-7", **_WHOLE}},
    "bare": {"summary": "An id is enough", "value": {"device_id": "engine-8"}},
}


class DraftBody(BaseModel):
    """What is said of a device. PUT replaces all of it: what is left out is taken away."""

    model_config = ConfigDict(extra="forbid")

    type: Name | None = Field(None, description="Its thing type; made when first named")
    attributes: dict[AttributeName, AttributeValue] = Field({}, description="3 without a type, 50 with one")
    groups: list[Name] = Field([], max_length=MOST_GROUPS, description="Its thing groups; made when first named")
    tags: dict[TagKey, TagValue] = Field({}, description="The registry's own, which grants may name")

    def draft(self) -> Draft:
        return Draft(
            self.type or "", dict(sorted(self.attributes.items())), tuple(sorted(set(self.groups))), dict(sorted(self.tags.items()))
        )


class NewDevice(DraftBody):
    device_id: Name = Field(description="Its id, which is its thing's name", examples=["engine-7"])
    csr: Csr | None = None

    def order(self, with_certificate: bool = True) -> Order:
        return Order(self.device_id, self.draft(), self.csr or "", with_certificate)


class NewCertificate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    csr: Csr | None = None


class DeviceView(BaseModel):
    device_id: str = Field(examples=["engine-7"])
    type: str | None = Field(examples=["turbofan"])
    attributes: dict[str, str] = Field(examples=[_WHOLE["attributes"]])
    groups: list[str] = Field(examples=[_WHOLE["groups"]])
    tags: dict[str, str] = Field(examples=[_WHOLE["tags"]])
    owner: str = Field(description="user_id of who made it", examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    version: int = Field(description="Also its ETag", examples=[3])
    state: State = Field(
        description="All but active tell of work under way, or that broke off: the same call again mends it", examples=["active"]
    )
    created_at: str = Field(examples=["2026-11-28T12:00:00.000Z"])
    updated_at: str = Field(examples=["2026-11-28T12:05:00.000Z"])
    certificate_ids: list[str] = Field(examples=[[_CERTIFICATE]])

    @classmethod
    def fields_of(cls, device: Device) -> dict[str, Any]:
        draft = device.draft
        return {
            **{name: getattr(device, name) for name in ("device_id", "owner", "version", "state", "created_at", "updated_at")},
            "type": draft.type or None,
            "attributes": dict(draft.attributes),
            "groups": list(draft.groups),
            "tags": dict(draft.tags),
            "certificate_ids": list(device.certificate_ids),
        }

    @classmethod
    def of(cls, device: Device) -> "DeviceView":
        return cls(**cls.fields_of(device))


class CertificateView(BaseModel):
    certificate_id: str = Field(examples=[_CERTIFICATE])
    certificate_pem: str = Field(examples=["-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"])
    private_key: str | None = Field(
        description="Shown this once, and kept nowhere; null where the device made its own, and in a repetition",
        examples=["-----BEGIN RSA PRIVATE KEY-----\n…\n-----END RSA PRIVATE KEY-----\n"],
    )
    note: str | None = None

    @classmethod
    def of(cls, issued: Issued, is_repetition: bool = False) -> "CertificateView":
        note = "the private key was in the first answer alone; if it is lost, ask for another certificate and remove this one"
        return cls(
            certificate_id=issued.certificate_id,
            certificate_pem=issued.pem,
            private_key=issued.private_key or None,
            note=note if is_repetition else None,
        )


class CreatedDevice(DeviceView):
    certificate: CertificateView | None

    @classmethod
    def of_creation(cls, creation: Creation) -> "CreatedDevice":
        shown = CertificateView.of(creation.issued, creation.is_repetition) if creation.issued else None
        return cls(**cls.fields_of(creation.device), certificate=shown)


class DeletedCertificate(BaseModel):
    certificate_id: str = Field(examples=[_CERTIFICATE])
    outcome: str = Field(examples=["deactivated and deleted"])


class DeviceDeleted(BaseModel):
    """What went with the device, and what stays."""

    device_id: str = Field(examples=["engine-7"])
    certificates: list[DeletedCertificate]
    shadows_deleted: list[str] = Field(description='Names; the classic one is ""', examples=[["", "fleet"]])
    jobs_cancelled: list[str] = Field(description="Jobs whose execution for it was cancelled", examples=[["firmware-12"]])
    grants_removed: int = Field(description="Grants and denials of it", examples=[1])
    history: str = "kept: administrators read it under the same path"
    lake_rows: str = Field(examples=["kept; erase them by `fleetlake lake erase engine-7`"])

    @classmethod
    def of(cls, device: Device, farewell: Farewell) -> "DeviceDeleted":
        return cls(
            device_id=device.device_id,
            certificates=[DeletedCertificate(certificate_id=each, outcome=str(what)) for each, what in farewell.certificates.items()],
            shadows_deleted=list(farewell.shadows),
            jobs_cancelled=list(farewell.jobs),
            grants_removed=farewell.grants,
            lake_rows=f"kept; erase them by `fleetlake lake erase {device.device_id}`",
        )


class Change(BaseModel):
    field: str = Field(examples=["attributes.site"])
    before: Any = Field(None, description="null where there was none", examples=["hall-3"])
    after: Any = Field(None, description="null where there is none", examples=["hall-4"])


class HistoryLine(BaseModel):
    version: int = Field(examples=[3])
    at: str = Field(examples=["2026-11-28T12:05:00.000Z"])
    what: str = Field(description="created, changed, certificate added, certificate removed or deleted", examples=["changed"])
    user_id: str = Field(examples=["0f8fad5b-d9cb-469f-a165-70867728950e"])
    user_name: str = Field(examples=["olga"])
    request_id: str = Field(description="Finds the call in the log", examples=["2c9c1b1e-6f0e-4f5e-9d9f-0d8f3a3b7c11"])
    changes: list[Change]


class HistoryPage(BaseModel):
    lines: list[HistoryLine] = Field(description="The newest first")
    next_token: str | None = None


class ListedDevice(DeviceView):
    last_seen: str | None = Field(
        None, description="Time of its newest reading; only where the query or the sort is of it", examples=["2026-11-28T11:59:00.000Z"]
    )


class DevicePage(BaseModel):
    devices: list[ListedDevice]
    next_token: str | None = None


class ImportBody(BaseModel):
    """JSON alone: rows of a CSV file are made into it by ``fleetlake devices import``."""

    model_config = ConfigDict(extra="forbid")

    devices: list[Annotated[NewDevice | Malformed, each_alone(NewDevice)]] = Field(min_length=1, max_length=MOST_ITEMS)

    def orders(self) -> list[Order | Malformed]:
        return [item if isinstance(item, Malformed) else item.order(with_certificate=False) for item in self.devices]


class ImportEntry(BaseModel):
    device_id: str = Field(examples=["engine-8"])
    outcome: Fate = Field(examples=["created"])
    certificate: CertificateView | None = Field(None, description="Of a device that was created of a certificate request", examples=[None])
    code: str | None = Field(None, description="Of one that failed, such as ResourceAlreadyExistsException", examples=[None])
    detail: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "ImportEntry":
        shown = CertificateView.of(entry.issued) if entry.issued else None
        return cls(device_id=entry.device_id, outcome=entry.fate, certificate=shown, code=entry.code or None, detail=entry.detail or None)


class ImportReport(BaseModel):
    created: int = Field(examples=[1])
    exists: int = Field(examples=[0])
    failed: int = Field(examples=[0])
    devices: list[ImportEntry] = Field(description="In the order of the items")

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "ImportReport":
        counts = {str(fate): sum(entry.fate is fate for entry in entries) for fate in Fate}
        return cls(**counts, devices=[ImportEntry.of(entry) for entry in entries])


IMPORT_EXAMPLES: dict[str, Example] = {
    "two": {"summary": "Two devices", "value": {"devices": [{"device_id": "engine-8", **_WHOLE}, {"device_id": "engine-9"}]}}
}
