"""`make proof-tokens`, small; and that it would tell a verifier that is wrong."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from services.auth import claims, tokens
from tests.proofs import Size
from tests.proofs import tokens as proof
from tests.services.auth.forge import KINDS


def test_forged_tokens_are_refused_and_good_ones_accepted() -> None:
    counts = proof.prove(Size.SMALL)
    assert (counts["forged"], counts["accepted"], counts["crashed"]) == (1_200, 0, 0)
    assert counts["good_controls_accepted"] >= 2 * 1_200 / 20
    assert counts["kinds"].keys() == KINDS.keys()
    assert len(counts["reasons"]) > 20


def _believes_everything(*_: Any) -> bool:
    return True


def _same(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(
    ("where", "name", "change", "kind"),
    [
        (tokens._RS256, "verify", _believes_everything, "signed by|flipped|swapped|changed|HMAC"),
        (claims, "_decoded", _same, "another spelling"),
        (claims, "check_expiry", _believes_everything, "expire"),
    ],
)
def test_a_verifier_that_is_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, change: Callable[..., Any], kind: str
) -> None:
    monkeypatch.setattr(where, name, change)
    monkeypatch.setattr(proof, "_SHOWN", 1_000)
    monkeypatch.setattr(proof, "_BATCH", 6)
    monkeypatch.setitem(proof._TOTAL, Size.SMALL, 6 * len(KINDS))
    with pytest.raises(AssertionError, match=f"({kind}).*: accepted as"):
        proof.prove(Size.SMALL)
