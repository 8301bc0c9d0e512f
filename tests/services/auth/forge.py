"""All kinds of forged tokens, each well formed as far as its trick allows."""

from tests.services.auth import forge_claims, forge_signatures, forge_texts
from tests.services.auth.kinds import KINDS

__all__ = ["KINDS", "forge_claims", "forge_signatures", "forge_texts"]
