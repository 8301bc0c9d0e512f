"""Identities against digests computed by other means: sha256sum of the bytes that the design names."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lake.identity import canonical_json, event_id, event_id_of_content, quarantine_id
from lake.reasons import MEANING, Reason


def test_an_event_id_is_the_digest_of_device_contract_time_boot_and_seq() -> None:
    # printf 'engine-7\x1fturbofan\x1f1790010060000\x1fb7\x1f17' | sha256sum | cut -c1-32
    assert event_id("engine-7", "turbofan", 1790010060000, "b7", 17) == "1945ead4d6c7088e51933933ff72664a"


def test_an_event_id_of_content_is_the_digest_of_device_contract_and_canonical_json() -> None:
    # printf 'engine-7\x1fturbofan\x1f{"cycle":31,"ts":1790010060000}' | sha256sum | cut -c1-32
    expected = "77581cba7181117fbea4c7a5cdf1bd09"
    assert event_id_of_content("engine-7", "turbofan", b'{"cycle":31,"ts":1790010060000}') == expected


def test_a_quarantine_id_is_the_digest_of_topic_place_and_bytes() -> None:
    # printf 'dt/fleetlake/engine-7/turbofan\x1f3\x1f{"ts":NaN}' | sha256sum
    assert (
        quarantine_id("dt/fleetlake/engine-7/turbofan", b'{"ts":NaN}', 3)
        == "f125352b1236ec77fda40aecd2bb58e3a037c77faf716366ec9d869a0ab7be2e"
    )
    # printf 'dt/fleetlake/engine-7/turbofan\x1f\x1f\xff' | sha256sum
    assert (
        quarantine_id("dt/fleetlake/engine-7/turbofan", b"\xff", None) == "c8de319a316d67e22f93f53f2098f489e882b773184f42a0da54f3e8e6c1eabd"
    )


# The examples of RFC 8785: section 3.2.4 and the numbers of appendix B.
_APPENDIX_B = [
    (0x0000000000000000, b"0"),
    (0x8000000000000000, b"0"),
    (0x0000000000000001, b"5e-324"),
    (0x7FEFFFFFFFFFFFFF, b"1.7976931348623157e+308"),
    (0x4340000000000000, b"9007199254740992"),
    (0x44B52D02C7E14AF6, b"1e+23"),
    (0x444B1AE4D6E2EF50, b"1e+21"),
    (0x3EB0C6F7A0B5ED8D, b"0.000001"),
    (0x3EB0C6F7A0B5ED8C, b"9.999999999999997e-7"),
    (0x41B3DE4355555553, b"333333333.3333332"),
    (0xBECBF647612F3696, b"-0.0000033333333333333333"),
]


@pytest.mark.parametrize(("bits", "text"), _APPENDIX_B)
def test_numbers_are_written_as_rfc_8785_says(bits: int, text: bytes) -> None:
    import struct

    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    assert canonical_json([value]) == b"[" + text + b"]"


def test_a_document_is_written_as_rfc_8785_says() -> None:
    document = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\x0f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(document) == expected.encode()


def test_keys_are_sorted_by_utf_16_units() -> None:
    # RFC 8785, section 3.2.3: a letter beyond the first plane sorts by its surrogates, before U+FB33.
    document = {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Dalet", "1": "One", "\U0001f600": "Smiley", "\u0080": "Control", "\u00f6": "o"}
    order = ["CR", "One", "Control", "o", "Euro", "Smiley", "Dalet"]
    text = canonical_json(document).decode()
    assert sorted(order, key=text.index) == order


_VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.dictionaries(st.text(), _VALUES | st.lists(_VALUES, max_size=3), max_size=8))
def test_canonical_json_is_what_the_reference_library_writes(document: dict[str, object]) -> None:
    assert canonical_json(document) == rfc8785.dumps(document)  # type: ignore[arg-type]


def test_whole_numbers_beyond_2_to_the_53_are_refused() -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_json({"count": 2**53})


def test_readings_that_differ_in_spelling_alone_are_one() -> None:
    assert canonical_json({"a": 1.0, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_each_reason_has_a_sentence() -> None:
    assert set(MEANING) == set(Reason)
    assert all(sentence.endswith(".") for sentence in MEANING.values())
