"""Bronze objects that cannot be read: set aside by name, so that a run goes on with the others."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from runtime.errors import JobError
from runtime.log import logger
from runtime.platforms import Platform

log = logger("silver")


class Corrupt(Exception):
    """The bytes of an object are there and are no Parquet of bronze."""


@dataclass
class SetAside:
    """What a run has set aside of a contract's bronze: why, by key."""

    contract: str
    objects: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, why: str) -> None:
        self.objects[key] = why
        log.error(
            f"silver.{self.contract}: bronze object {key} is set aside, it cannot be read: {why}; the run goes on without it. "
            "Put a good copy in its place, and reconcile takes it in"
        )

    def refuse(self, what: str) -> None:
        """Raises JobError where anything was set aside; `what` cannot do without it."""
        if self.objects:
            raise JobError(f"{what}: bronze objects cannot be read: {', '.join(sorted(self.objects))}; put good copies in their place")


def opened(platform: Platform, key: str) -> pq.ParquetFile:
    """The object's Parquet file. Raises Corrupt where its bytes are none, JobError where they cannot be had."""
    filesystem, path = pafs.FileSystem.from_uri(platform.object_uri(key))
    try:
        return pq.ParquetFile(path, filesystem=filesystem)
    except (OSError, pa.ArrowException) as error:
        _require_bytes(filesystem, path, key)
        raise Corrupt(_line(error)) from None


def corrupt_among(platform: Platform, keys: Iterable[str]) -> dict[str, str]:
    """Those of the objects that do not bear being read to their end, and why: a footer may be whole where its pages are not."""

    def why(key: str) -> tuple[str, str | None]:
        try:
            for _ in opened(platform, key).iter_batches():
                pass
        except Corrupt as error:
            return key, str(error)
        except (OSError, pa.ArrowException) as error:
            return key, _line(error)
        return key, None

    with ThreadPoolExecutor(max_workers=8) as pool:
        return {key: found for key, found in pool.map(why, keys) if found is not None}


def _require_bytes(filesystem: pafs.FileSystem, path: str, key: str) -> None:
    try:
        with filesystem.open_input_stream(path) as stream:
            while stream.read(1 << 20):
                pass
    except OSError as error:
        raise JobError(f"read bronze object {key}: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
