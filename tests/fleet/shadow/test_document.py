"""How large a shadow may be, and how it is kept."""

import json

import pytest

from fleet.shadow.engine import Limits, Shadow
from tests.fleet.shadow.played import Played

TOO_LARGE = (413, "The payload exceeds the maximum size allowed")
# {"k":""} around the text.
AROUND = 8


def filled(section: str, size: int) -> bytes:
    """A request whose one section has `size` bytes when it is kept."""
    return json.dumps({"state": {section: {"k": "x" * (size - AROUND)}}}, indent=4).encode()


@pytest.mark.parametrize("section", ["desired", "reported"])
def test_a_document_of_8192_bytes_is_taken_and_one_byte_more_is_not(section: str) -> None:
    shadow = Played()
    assert shadow.send(filled(section, 8192)).shadow.size() == 8192
    assert shadow.refusal(filled(section, 8193)) == TOO_LARGE


def test_both_sections_count_together_as_they_are_after_the_merge() -> None:
    shadow = Played()
    shadow.send(filled("desired", 4096))
    assert shadow.refusal(filled("reported", 4097)) == TOO_LARGE
    assert shadow.send(filled("reported", 4096)).shadow.size() == 8192
    assert shadow.refusal(b'{"state": {"reported": {"l": 1}}}') == TOO_LARGE
    assert shadow.update({"desired": {"k": None, "l": 1}}).shadow.size() == 4096 + len('{"l":1}')


def test_bytes_are_counted_and_not_characters_nor_escapes() -> None:
    characters = (8192 - AROUND) // 2
    taken = Played().send(b'{"state": {"desired": {"k": "%s"}}}' % (b"\\u00e9" * characters))
    assert taken.shadow.size() == 8192
    assert Played().refusal(b'{"state": {"desired": {"k": "%s"}}}' % ("é" * (characters + 1)).encode()) == TOO_LARGE


def test_a_document_is_counted_without_white_space_and_a_number_as_it_is_written_back() -> None:
    taken = Played().send(b'{ "state" : { "desired" : { "a" : 1, "b" : [ 1, 2 ] }, "reported" : { "c" : 1e2 } } }')
    assert taken.shadow.size() == len('{"a":1,"b":[1,2]}') + len('{"c":100.0}')


def test_what_a_request_removes_and_its_white_space_are_free() -> None:
    request = {"state": {"desired": {f"key-{number}": None for number in range(2_000)} | {"k": 1}}}
    assert Played().send(json.dumps(request, indent=8).encode()).shadow.size() == len('{"k":1}')


def test_the_limit_may_be_set() -> None:
    assert Played(limits=Limits(document_bytes=30 * 1024)).send(filled("desired", 30 * 1024)).shadow.version == 1


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_shadow_comes_back_from_its_record_as_it_was(is_deleted: bool) -> None:
    shadow = Played()
    shadow.update({"desired": {"a": {"b": [1, 2.5, True]}, "é": {}}})
    if is_deleted:
        shadow.delete()
    assert shadow.shadow is not None
    record = json.loads(json.dumps(shadow.shadow.to_record()))
    assert Shadow.from_record(record) == shadow.shadow
    assert record["version"] == 1
