"""The DynamoDB tables of the APIs, each declared once: the laptop's cloud and the infrastructure code create them from here."""

from dataclasses import dataclass

from runtime.settings import Settings


@dataclass(frozen=True)
class Index:
    """A global secondary index with all attributes."""

    name: str
    partition_key: str
    sort_key: str


@dataclass(frozen=True)
class Table:
    """All keys are strings but those that `number_keys` names."""

    name: str
    what: str
    partition_key: str
    sort_key: str = ""
    indexes: tuple[Index, ...] = ()
    number_keys: frozenset[str] = frozenset()
    # Attribute of epoch seconds after which DynamoDB forgets an item; "" where it keeps all.
    expires: str = ""

    def full_name(self, settings: Settings) -> str:
        return f"{settings.table_prefix}{self.name}"


GRANTS = Table(
    "grants",
    "who may do what to which devices, and what is denied",
    "user_id",
    "entry",
    (Index("by_scope", "scope", "user_id"),),
    # Marks that a user signed out or is gone, which outlive its last token; grants and denials have none.
    expires="forget_at",
)
AUDIT = Table("audit", "each change of users and permissions: who, what, before, after", "subject", "at")
DEVICES = Table(
    "devices", "the registry of devices beside AWS IoT's things", "device_id", indexes=(Index("by_owner", "owner", "device_id"),)
)
DEVICE_HISTORY = Table(
    "device-history", "each version of a device, with who made it", "device_id", "version", number_keys=frozenset({"version"})
)
SHADOWS = Table("shadows", "the cache of shadows that update/documents feeds", "thing_name", "shadow_name")
SHADOW_HISTORY = Table(
    "shadow-history", "each version of a shadow, with who and when", "shadow", "version", number_keys=frozenset({"version"})
)
REQUESTS = Table("requests", "idempotency keys and what was answered to them", "request", expires="expires_at")
# AWS IoT runs a rollout as a job; what it does not keep is which firmware that was, who let it go and who stopped it.
FIRMWARE = Table("firmware", "each version of a firmware: its object, digest, size and signature", "firmware_name", "version")
ROLLOUTS = Table(
    "rollouts",
    "each rollout of a firmware, by the id of its job",
    "job_id",
    indexes=(Index("by_firmware", "firmware_name", "created_at"),),
)

TABLES = (GRANTS, AUDIT, DEVICES, DEVICE_HISTORY, SHADOWS, SHADOW_HISTORY, REQUESTS, FIRMWARE, ROLLOUTS)
