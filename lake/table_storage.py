"""A table's files on storage: which of them its metadata knows, which lie there besides, and their removal."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pyarrow.fs as pafs
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True)
class StoredFile:
    """`path` is its filesystem's: of a laptop the file, of S3 the bucket and the key."""

    path: str
    bytes: int
    changed_at: datetime


def stored_files(iceberg: IcebergTable) -> list[StoredFile]:
    """Every file below the table's location, as it is now."""
    filesystem, root = _filesystem(iceberg)
    found = filesystem.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True))
    files = (info for info in found if info.type == pafs.FileType.File)
    return [StoredFile(info.path, info.size, info.mtime.astimezone(UTC)) for info in files]


def known_paths(iceberg: IcebergTable, snapshots: Iterable[Snapshot] | None = None) -> set[str]:
    """Paths of all that the table's metadata refers to, by any of its snapshots (or of those given alone); its own files too."""
    chosen = iceberg.snapshots() if snapshots is None else list(snapshots)
    with ThreadPoolExecutor(max_workers=8) as pool:
        manifests = {
            manifest.manifest_path: manifest for found in pool.map(lambda s: s.manifests(iceberg.io), chosen) for manifest in found
        }
        entries = pool.map(lambda manifest: manifest.fetch_manifest_entry(iceberg.io, discard_deleted=True), manifests.values())
        data = {entry.data_file.file_path for found in entries for entry in found}
    known = {*(snapshot.manifest_list for snapshot in chosen), *manifests, *data}
    if snapshots is None:
        known |= {iceberg.metadata_location, *(entry.metadata_file for entry in iceberg.metadata.metadata_log)}
        known |= {found.statistics_path for found in iceberg.metadata.statistics}
        known |= {found.statistics_path for found in iceberg.metadata.partition_statistics}
    return {form for uri in known for form in path_forms(uri)}


def path_forms(uri: str) -> Iterator[str]:
    """What a filesystem may call the file of an address: Hadoop, PyIceberg and Arrow differ in slashes and in what they quote."""
    parts = urlsplit(uri)
    path = parts.path if parts.scheme in ("file", "") else f"{parts.netloc}{parts.path}"
    for form in {path, unquote(path)}:
        folder, slash, name = form.rpartition("/")
        yield form
        # Hadoop keeps a checksum beside each local file that it writes.
        yield f"{folder}{slash}.{name}.crc"


def remove(iceberg: IcebergTable, paths: Iterable[str]) -> int:
    """Delete the files that are there; how many. One that is gone already is no error."""
    filesystem, _ = _filesystem(iceberg)

    def removed(path: str) -> bool:
        try:
            filesystem.delete_file(path)
        except FileNotFoundError:
            return False
        return True

    with ThreadPoolExecutor(max_workers=8) as pool:
        return sum(pool.map(removed, sorted(set(paths))))


def _filesystem(iceberg: IcebergTable) -> tuple[pafs.FileSystem, str]:
    location = iceberg.location()
    if location.startswith("file:"):
        # Arrow asks for two slashes behind the scheme or none at all.
        return pafs.LocalFileSystem(), unquote(urlsplit(location).path)
    filesystem, path = pafs.FileSystem.from_uri(location)
    return filesystem, path
