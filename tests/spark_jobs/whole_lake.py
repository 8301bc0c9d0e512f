"""What tests of erasure look with: every file of a lake searched for some bytes, and every table's rows as a multiset.

It shares no code with the erasure: files as they are; Parquet column by column; Avro block by block, inflated; SQLite as bytes.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lake.catalog import open_catalog
from runtime.platforms import Platform


def files_naming(root: Path, needles: Iterable[bytes]) -> dict[str, list[bytes]]:
    """Every file below `root` in which one of the needles (regular expressions) stands, raw or decoded, with those found."""
    wanted = list(needles)
    found = {}
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        contents = list(_contents(file))
        there = [needle for needle in wanted if any(re.search(needle, content) for content in contents)]
        if there:
            found[str(file.relative_to(root))] = there
    return found


def _contents(file: Path) -> Iterator[bytes]:
    raw = file.read_bytes()
    yield str(file).encode()
    yield raw
    if raw[:4] == b"PAR1":
        yield from _parquet(file)
    elif raw[:4] == b"Obj\x01":
        yield from _avro(raw)
    elif file.suffix == ".gz" or raw[:2] == b"\x1f\x8b":
        yield zlib.decompress(raw, 31)


def _parquet(file: Path) -> Iterator[bytes]:
    parquet = pq.ParquetFile(file)
    yield json.dumps(parquet.metadata.to_dict(), default=str, ensure_ascii=False).encode()
    for column in parquet.read().columns:
        for value in column.to_pylist():
            yield value if isinstance(value, bytes) else str(value).encode()


def _avro(raw: bytes) -> Iterator[bytes]:
    """The blocks of an Avro container: after the header, each is count, size, bytes, and the file's sync marker."""
    place, codec = 4, b"null"
    while (count := _long(raw, place))[0]:
        number, place = count
        if number < 0:
            number, (_, place) = -number, _long(raw, place)
        for _ in range(number):
            size, place = _long(raw, place)
            key = raw[place : place + size]
            size, place = _long(raw, place + size)
            value = raw[place : place + size]
            place += size
            codec = value if key == b"avro.codec" else codec
    place = count[1] + 16
    while place < len(raw):
        _, place = _long(raw, place)
        size, place = _long(raw, place)
        block = raw[place : place + size]
        place += size + 16
        assert codec in (b"null", b"deflate"), codec
        yield zlib.decompress(block, -15) if codec == b"deflate" else block


def _long(raw: bytes, place: int) -> tuple[int, int]:
    """A zigzag number of variable length, and the place after it."""
    value = shift = 0
    while True:
        byte = raw[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), place
        shift += 7


def multiset_of(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True, default=repr) for row in rows)


def rows_at(platform: Platform, table: str, snapshot_id: int | None = None) -> list[dict[str, Any]]:
    return list(open_catalog(platform).load_table(table).scan(snapshot_id=snapshot_id).to_arrow().to_pylist())


def objects_of(folder: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(folder.rglob("*.parquet")) for row in pq.ParquetFile(file).read().to_pylist()]
