"""Small files that processes of the laptop's cloud tell each other things by."""

import json
import os
from pathlib import Path
from typing import Any


def write_whole(file: Path, text: str) -> None:
    """Write so that a reader sees the old text or the new, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def read_json(file: Path) -> dict[str, Any] | None:
    """What the file holds, or None while there is no such file."""
    try:
        return dict(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError):
        return None
