"""Rounds of a full proof that have ended, kept until all have, so that one that was broken off goes on with the next."""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from runtime.settings import REPOSITORY


def code_digest(code: Iterable[str], seed: int, root: Path = REPOSITORY) -> str:
    """Of the Python files under the paths `code`, their names and contents, and of the seed."""
    digest = hashlib.sha256(str(seed).encode())
    for path in sorted(code):
        place = root / path
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(root)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


class Rounds:
    """By number, under a folder of the code's digest: what was kept of other code proves nothing of this."""

    def __init__(self, proof: str, code: Iterable[str], seed: int, root: Path = REPOSITORY) -> None:
        self._all = root / "build" / f"proof-{proof}"
        self._folder = self._all / code_digest(code, seed, root)

    def done(self) -> dict[int, dict[str, Any]]:
        return {int(file.stem): json.loads(file.read_text()) for file in self._folder.glob("*.json")}

    def keep(self, number: int, told: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{number}.new"
        fresh.write_text(json.dumps(told))
        fresh.rename(self._folder / f"{number}.json")

    def forget(self) -> None:
        shutil.rmtree(self._all, ignore_errors=True)
