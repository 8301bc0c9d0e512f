"""The name of an object against a hash of the bytes that docs/adr/0012 lists."""

import hashlib

import pyarrow as pa

from lake.object_name import object_digest


def table(**columns: pa.Array) -> pa.Table:
    return pa.table(columns)


def test_a_name_is_the_hash_of_names_presence_and_values() -> None:
    found = table(
        event_id=pa.array(["ab", None, "ü"]),
        water=pa.array([1.5, None, -2.0]),
        starts=pa.array([1, 2, None]),
        is_on=pa.array([True, False, None]),
    )
    by_hand = (
        b"event_id\x1fstring\x1f3\n" + bytes([1, 0, 1]) + bytes([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]) + b"ab\xc3\xbc"
        b"water\x1fdouble\x1f3\n" + bytes([1, 0, 1]) + bytes.fromhex("000000000000f83f 0000000000000000 00000000000000c0")
        + b"starts\x1fint64\x1f3\n" + bytes([1, 1, 0]) + bytes.fromhex("0100000000000000 0200000000000000 0000000000000000")
        + b"is_on\x1fbool\x1f3\n" + bytes([1, 1, 0]) + bytes([1, 0, 0])
    )  # fmt: skip
    assert object_digest(found, ["event_id", "water", "starts", "is_on"]) == hashlib.sha256(by_hand).hexdigest()


def test_null_is_not_zero_and_a_row_twice_is_not_once() -> None:
    names = [object_digest(table(water=pa.array(values, pa.float64())), ["water"]) for values in ([0.0], [None], [0.0, 0.0], [-0.0])]
    assert len(set(names)) == 4


def test_a_slice_is_named_by_what_is_in_it() -> None:
    whole = table(event_id=pa.array(["a", "bc", "d"]), is_on=pa.array([True, False, True]))
    part = table(event_id=pa.array(["bc", "d"]), is_on=pa.array([False, True]))
    assert object_digest(whole.slice(1), ["event_id", "is_on"]) == object_digest(part, ["event_id", "is_on"])


def test_columns_that_are_not_named_do_not_count() -> None:
    one, other = table(water=pa.array([1.0]), topic=pa.array(["x"])), table(water=pa.array([1.0]), topic=pa.array(["y"]))
    assert object_digest(one, ["water"]) == object_digest(other, ["water"])
