"""Page tokens are opaque, and their caller's and their list's own."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.paging import Paging
from services.problems import Invalid

_PAGING = Paging(b"k" * 32)


@given(st.one_of(st.text(), st.integers(), st.lists(st.text(), max_size=3)))
def test_a_token_says_where_its_own_list_goes_on(where: object) -> None:
    token = _PAGING.token(where, caller="anna", listing="devices")
    assert _PAGING.where(token, caller="anna", listing="devices") == where


@pytest.mark.parametrize(("caller", "listing"), [("ben", "devices"), ("anna", "users"), ("anna\x00devices", ""), ("", "annadevices")])
def test_it_is_worth_nothing_to_another_caller_or_in_another_list(caller: str, listing: str) -> None:
    token = _PAGING.token("engine-7", caller="anna", listing="devices")
    with pytest.raises(Invalid) as refusal:
        _PAGING.where(token, caller=caller, listing=listing)
    assert refusal.value.code == "InvalidNextTokenException"


def test_a_changed_token_or_one_of_another_key_is_none() -> None:
    token = _PAGING.token("engine-7", caller="anna", listing="devices")
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    forged = [Paging(b"x" * 32).token("engine-7", caller="anna", listing="devices"), "", "é", "=", token[:-4], "AAAA"]
    for at in range(len(raw)):
        changed = raw.copy()
        changed[at] ^= 1
        forged.append(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))
    for text in forged:
        with pytest.raises(Invalid):
            _PAGING.where(text, caller="anna", listing="devices")
