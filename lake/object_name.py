"""What a bronze object is called: a hash of the readings in it, whoever wrote it and by whatever version of a library.

Only what a device says counts, its identities and values, and not the envelopes: see docs/adr/0012-name-by-columns.md.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def object_digest(table: pa.Table, columns: Iterable[str]) -> str:
    """SHA-256 over the columns one after the other, as hex.

    Of each: its name, type and rows, joined by the unit separator, and a line feed; a byte a row, 1 where there is a value; then the
    values, of which one that is null counts as 0, false or empty. Numbers are 8 bytes, the lowest first, a bool is one; of texts first
    the lengths in bytes come, as such numbers, then the texts in UTF-8.
    """
    digest = hashlib.sha256()
    for name in columns:
        column = table[name].combine_chunks()
        digest.update(f"{name}\x1f{column.type}\x1f{len(column)}\n".encode())
        digest.update(column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8))
        for values in _values(column):
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _values(column: pa.Array) -> Iterable[np.ndarray]:  # type: ignore[type-arg]
    if not pa.types.is_string(column.type):
        yield column.fill_null(False if pa.types.is_boolean(column.type) else 0).to_numpy(zero_copy_only=False)
        return
    filled = column.fill_null("")
    yield pc.binary_length(filled).cast(pa.int64()).to_numpy()
    if len(filled):
        _, offsets, text = filled.buffers()
        ends = np.frombuffer(offsets, np.int32)[filled.offset : filled.offset + len(filled) + 1]
        yield np.frombuffer(text or b"", np.uint8)[ends[0] : ends[-1]]
