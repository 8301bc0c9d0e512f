"""A shadow as it is kept, and the documents that show it."""

import json
from dataclasses import dataclass
from typing import Any

from fleet.shadow.delta import difference
from fleet.shadow.merge import Section


@dataclass(frozen=True)
class Shadow:
    """`timestamp` is when it was last changed, in epoch seconds; a section that is empty is None, and so is its metadata.

    A deleted shadow stays, empty, so that the next one of its name goes on with its version number.
    """

    version: int
    desired: dict[str, Any] | None
    reported: dict[str, Any] | None
    desired_metadata: dict[str, Any] | None
    reported_metadata: dict[str, Any] | None
    timestamp: int
    is_deleted: bool = False

    def to_record(self) -> dict[str, Any]:
        """The shadow as JSON can hold it; `from_record` gives it back."""
        return self.document() | {"timestamp": self.timestamp, "deleted": self.is_deleted}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Shadow":
        state, metadata = record["state"], record["metadata"]
        return cls(
            record["version"],
            state.get("desired"),
            state.get("reported"),
            metadata.get("desired"),
            metadata.get("reported"),
            record["timestamp"],
            record["deleted"],
        )

    def document(self) -> dict[str, Any]:
        """State, metadata and version, with the sections that it has and without a delta."""
        return {
            "state": _sections(desired=self.desired, reported=self.reported),
            "metadata": _sections(desired=self.desired_metadata, reported=self.reported_metadata),
            "version": self.version,
        }

    def delta(self) -> tuple[Section, Section]:
        """What is desired and not reported, and the metadata of it; both empty where nothing is."""
        return difference(self.desired or {}, self.reported or {}, self.desired_metadata or {})

    def size(self) -> int:
        """What AWS limits: the bytes of desired plus those of reported, each as JSON in UTF-8 without white space; metadata is free.

        Text counts as UTF-8, not as escapes, and a number as it is written back (``1e2`` as ``100.0``).
        """
        return sum(len(_compact(section)) for section in (self.desired, self.reported) if section is not None)


def _sections(**sections: Section | None) -> dict[str, Any]:
    return {name: section for name, section in sections.items() if section is not None}


def _compact(section: Section) -> bytes:
    return json.dumps(section, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
