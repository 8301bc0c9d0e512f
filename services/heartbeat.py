"""Says in ``{home}/run/{name}.json`` that a process of the laptop's cloud goes on."""

import json
import os

from runtime.log import logger
from runtime.settings import Settings

_log = logger("heartbeat")


def beat(settings: Settings, name: str, **facts: object) -> None:
    """`facts` are told beside its pid."""
    file = settings.home / "run" / f"{name}.json"
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"pid": os.getpid(), **facts}))
        fresh.replace(file)
    except OSError as error:
        # Its work needs no disk.
        _log.warning(f"tell in {file} that {name} goes on: {error.strerror}")
