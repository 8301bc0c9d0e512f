"""Proofs: what `make test` runs small, run at full size by `make proof-NAME`, leaving docs/proofs/NAME.json.

A proof is a module here with ``WHAT`` (a sentence), ``CODE`` (the paths it proves), ``SEED`` and
``prove(size: Size) -> dict`` that asserts and returns its counts. The tests call the same ``prove`` with ``Size.SMALL``.
"""

from enum import Enum


class Size(Enum):
    SMALL = "small"
    FULL = "full"
